// The numbers of the service, in one place: how long a lease is, how much may be in flight, how
// long to wait after a failure. The values are the demo's; the rules are in README.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace mandrill {

struct policy {
    std::chrono::milliseconds lease{10'000};               ///< from pulling to redelivery
    std::chrono::milliseconds extension{3'000};            ///< what one extension adds ...
    std::chrono::milliseconds extension_every{2'000};      ///< ... and how often it comes
    std::chrono::milliseconds extension_max{15 * 60'000};  ///< then the work is given up

    std::size_t outstanding_max = 64;  ///< messages pulled and not settled
    std::size_t restarts_max = 16;     ///< hosts being restarted at one time

    std::chrono::milliseconds retry_base{1'000};  ///< back-off: full jitter up to base * 2^n ...
    std::chrono::milliseconds retry_cap{30'000};  ///< ... and at most this

    std::chrono::milliseconds drain{25'000};  ///< how long work may go on after the exit signal
    std::chrono::milliseconds hurry{3'000};   ///< the same after the second one
};

/// The longest back-off after `failures` failures (at least 1); the actual one is drawn from
/// [0, this).
[[nodiscard]] constexpr std::chrono::milliseconds backoff_limit(const policy& rules,
                                                                int failures) noexcept {
    std::chrono::milliseconds limit = rules.retry_base;
    for (int i = 1; i < failures && limit < rules.retry_cap; ++i) limit *= 2;
    return limit < rules.retry_cap ? limit : rules.retry_cap;
}

}  // namespace mandrill
