// One draw per restart, from the sequence that belongs to the host.
#include "mandrill/restart/failing.hpp"

#include <fmt/format.h>

#include "mandrill/restart/seeded.hpp"

namespace mandrill {

failing_restarter::failing_restarter(std::unique_ptr<restarter> inner, double probability,
                                     std::uint64_t seed)
    : inner_(std::move(inner)), probability_(probability), seed_(seed) {
    if (!(probability >= 0 && probability <= 1)) {  // written so that NaN is refused too
        throw std::invalid_argument(fmt::format(
            "The probability of a failure must be between 0 and 1, not {}", probability));
    }
}

mayhem::coro<std::string> failing_restarter::restart(std::string host, std::string request_id) {
    if (inner_->knows(host)) {
        const double roll = draw_fraction(seed_, host, asked_[host]++);
        if (roll < probability_) {
            ++injected_;
            throw restart_failed(host, "the power switch is stuck (injected)");
        }
    }
    co_return co_await inner_->restart(std::move(host), std::move(request_id));
}

}  // namespace mandrill
