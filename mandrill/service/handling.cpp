#include "mandrill/service/handling.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "loop/log.hpp"

namespace mandrill {

using mayhem::log;
using mayhem::log_level;

namespace {

/// The message belongs to a later delivery now: whatever this one does would be too late.
class lease_lost : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

bool is_restart_failure(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const restart_failed&) {
        return true;
    } catch (...) {
        return false;
    }
}

// A host that does not answer has no boot id; whatever it answers later is a new one.
constexpr const char* host_is_down = "down";

}  // namespace

mayhem::coro<void> handling::run() {
    const mayhem::time_point pulled = mayhem::get_running_loop().time();
    std::string problem;
    bool was_cancelled = false;
    try {
        auto body = [this](mayhem::task_group& group) -> mayhem::coro<void> {
            auto keeper = group.create_task(keep_lease(), "lease of " + mine_.what.host);
            co_await work();
            keeper.cancel();
        };
        co_await mayhem::with_task_group(body);
    } catch (const mayhem::cancelled&) {
        was_cancelled = true;
    } catch (const mayhem::exception_group& errors) {
        problem = mayhem::describe_exception(errors.exceptions().front());
    } catch (const std::exception& error) {
        problem = error.what();
    }
    if (was_cancelled) {
        co_await give_back("shutdown");
        throw mayhem::cancelled{};
    }
    if (!problem.empty()) {
        log(log_level::error, "Handling general error: {}", problem);
        // What fails like this may fail again at once, for ever, and must not spin.
        co_await give_back(problem, draw_backoff());
    }
    const auto took = mayhem::get_running_loop().time() - pulled;
    at_.counters.handling_total += std::chrono::duration_cast<std::chrono::milliseconds>(took);
}

mayhem::coro<void> handling::work() {
    auto permit = co_await at_.restart_permits.acquire_guard();
    begun_ = true;
    auto [saved, restarted] = co_await mayhem::gather(mayhem::return_exceptions, save(), restart());
    if (!saved) std::rethrow_exception(saved.exception());
    if (!restarted) {
        co_await settle_failure(restarted.exception());
    } else {
        co_await finish();
    }
}

mayhem::coro<void> handling::save() {
    require_current(co_await at_.messages.save(mine_.token));
    if (mine_.saved) co_return;  // by an earlier delivery
    ++at_.counters.saved;
    log(log_level::info, "Saved {} into database", to_string(mine_.what));
}

mayhem::coro<void> handling::restart() {
    const auto boot_id = co_await at_.hosts.boot_id(mine_.what.host);
    switch (next_step_for(mine_, boot_id)) {
        case next_step::acknowledge:
            restarted_ = true;
            co_return;
        case next_step::verify: {
            const auto after = co_await at_.hosts.verify(mine_.what.host, mine_.boot_id_before);
            require_current(co_await at_.messages.done(mine_.token, after));
            restarted_ = true;
            ++at_.counters.recovered;
            log(log_level::info, "Found {} restarted already, by an earlier delivery",
                hostname(mine_.what));
            co_return;
        }
        case next_step::restart: {
            // A host that is down keeps the name of its last boot, so that coming back counts.
            std::string before = mine_.boot_id_before.empty() ? host_is_down : mine_.boot_id_before;
            co_await restart_anew(boot_id.value_or(std::move(before)));
        }
    }
}

mayhem::coro<void> handling::restart_anew(std::string boot_id_before) {
    require_current(co_await at_.messages.intend(mine_.token, std::move(boot_id_before)));
    const auto after = co_await at_.hosts.restart(mine_.what.host, mine_.what.id);
    require_current(co_await at_.messages.done(mine_.token, after));
    restarted_ = true;
    ++at_.counters.restarted;
    log(log_level::info, "Restarted {}", hostname(mine_.what));
}

/// Throws lease_lost, which ends the work, when somebody else owns the message by now, or when the
/// work has taken longer than any restart may.
mayhem::coro<void> handling::keep_lease() {
    const epoch_ms give_up = at_.messages.now() + at_.rules.extension_max.count();
    epoch_ms deadline = mine_.deadline;
    for (;;) {
        co_await mayhem::sleep(at_.rules.extension_every);
        if (at_.messages.now() >= give_up) throw lease_lost("the work has taken too long");
        deadline = std::max(deadline, at_.messages.now()) + at_.rules.extension.count();
        try {
            require_current(co_await at_.messages.extend(mine_.token, deadline));
        } catch (const store_error& error) {
            // The lease still has time left; the next extension may find the disk better.
            log(log_level::error, "Could not extend the deadline for {}: {}", to_string(mine_.what),
                error.what());
            continue;
        }
        ++at_.counters.extended;
        log(log_level::info, "Extended deadline by {} seconds for {}",
            std::chrono::duration_cast<std::chrono::seconds>(at_.rules.extension).count(),
            to_string(mine_.what));
    }
}

mayhem::coro<void> handling::settle_failure(std::exception_ptr error) {
    if (!is_restart_failure(error)) std::rethrow_exception(error);
    ++at_.counters.restart_failed;
    const std::string why = mayhem::describe_exception(error);
    const auto delay = draw_backoff();
    const failure outcome = co_await at_.messages.fail(mine_.token, why, delay);
    require_current(outcome.took);
    if (outcome.dead) {
        ++at_.counters.dead_lettered;
        log(log_level::error, "{}; dead-lettered {} after {} failures", why, to_string(mine_.what),
            outcome.failures);
        co_return;
    }
    ++at_.counters.nacked;
    log(log_level::error, "{}", why);
    log(log_level::warning, "Retrying for failure to restart: {} (failure {}, in {:.1f} s)",
        hostname(mine_.what), outcome.failures, static_cast<double>(delay.count()) / 1000.0);
}

mayhem::coro<void> handling::finish() {
    require_current(co_await at_.messages.ack(mine_.token));
    ++at_.counters.acked;
    log(log_level::info, "Done. Acked {}", to_string(mine_.what));
}

mayhem::coro<void> handling::give_back(std::string why, std::chrono::milliseconds retry_in) {
    try {
        if (restarted_) {
            co_await finish();
            co_return;
        }
        const effect took = co_await at_.messages.nack(mine_.token, retry_in, std::move(why));
        if (took == effect::stale) co_return;  // it is somebody else's already
        ++at_.counters.nacked;
        log(log_level::info, "Nacked {}", to_string(mine_.what));
    } catch (const std::exception& error) {
        log(log_level::error, "Could not give {} back: {}", to_string(mine_.what), error.what());
    }
}

/// Full jitter: a fleet of failures must not come back in step.
std::chrono::milliseconds handling::draw_backoff() {
    const auto limit = backoff_limit(at_.rules, mine_.failures + 1);
    std::uniform_int_distribution<std::int64_t> draw(0, limit.count());
    return std::chrono::milliseconds(draw(at_.random));
}

void handling::require_current(effect answer) const {
    if (answer == effect::applied) return;
    ++at_.counters.leases_lost;
    throw lease_lost("the lease of " + to_string(mine_.what) + " was taken over");
}

}  // namespace mandrill
