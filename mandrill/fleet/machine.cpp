#include "mandrill/fleet/machine.hpp"

#include <algorithm>
#include <csignal>
#include <exception>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <system_error>
#include <utility>

#include "loop/log.hpp"
#include "mandrill/fleet/health.hpp"
#include "mandrill/fleet/host_command.hpp"
#include "mandrill/fleet/host_lock.hpp"
#include "mandrill/restart/restarter.hpp"
#include "mandrill/restart/seeded.hpp"
#include "tasks/sleep.hpp"
#include "tasks/timeout.hpp"

namespace mandrill {

using namespace std::chrono_literals;

machine::machine(std::shared_ptr<const fleet_options> options, std::string name, bool is_stubborn)
    : options_(std::move(options)), name_(std::move(name)), is_stubborn_(is_stubborn) {}

// ---- Questions ------------------------------------------------------------------------------

mayhem::coro<std::optional<std::string>> machine::boot_id() {
    if (!is_on()) co_return std::nullopt;
    auto answer = co_await ask_health(boot_->port, options_->answer_limit);
    // The port of a host that has just died may be another one's by now.
    if (!answer || answer->host != name_) co_return std::nullopt;
    co_return std::move(answer->boot_id);
}

mayhem::coro<std::string> machine::verify(std::string before) {
    try {
        co_return co_await mayhem::timeout(options_->health_limit, wait_for_other_boot(before));
    } catch (const mayhem::timeout_error&) {
    }
    throw restart_failed(name_, fmt::format("it is not up in another boot than {} after {}", before,
                                            options_->health_limit));
}

mayhem::coro<std::string> machine::wait_for_other_boot(std::string before) {
    for (;;) {
        auto now = co_await boot_id();
        if (now && *now != before) co_return std::move(*now);
        co_await mayhem::sleep(50ms);
    }
}

// ---- The power switch -----------------------------------------------------------------------

mayhem::coro<std::string> machine::restart(std::string request) {
    const auto turn = co_await turn_.acquire_guard();
    std::string failure;
    try {
        co_await power_off();
        co_await power_on(std::move(request));
        co_return boot_->boot_id;
    } catch (const boot_failed& error) {
        failure = error.what();
    } catch (const std::system_error& error) {  // no process can be started
        failure = error.what();
    }
    throw restart_failed(name_, failure);
}

mayhem::coro<bool> machine::bring_up() {
    const auto turn = co_await turn_.acquire_guard();
    co_return co_await bring_up_in_turn();
}

mayhem::coro<bool> machine::bring_up_in_turn() {
    // A process of an earlier owner may be so young that it has not taken its lock yet. Whoever
    // takes it first, that one or ours, is the host; the other gives up.
    const auto lock = host_lock_file(options_->ledger_file(), name_);
    for (int attempts_left = 3;; --attempts_left) {
        const bool was_found = co_await adopt();
        if (was_found) co_return true;
        try {
            co_await power_on("");
            co_return false;
        } catch (const boot_failed&) {
            if (attempts_left == 0 || !host_lock::holder(lock)) throw;
        }
    }
}

mayhem::coro<bool> machine::adopt() {
    if (!runs_) {
        std::unique_ptr<instance> found = adopt_instance(options_->ledger_file(), name_);
        if (!found) co_return false;
        attend(std::move(found));
    }
    co_await wait_until_booted();
    co_return is_on();
}

mayhem::coro<void> machine::power_on(std::string request) {
    host_options child(name_, options_->ledger_file());
    child.boot_delay = draw_boot_delay();
    child.stubborn = is_stubborn_;
    child.orphan_after = options_->orphan_after;
    child.request = std::move(request);
    attend(
        spawn_instance(options_->program, host_arguments(child), options_->folder / "errors.log"));
    co_await wait_until_booted();
    if (!is_on()) throw boot_failed(why_off_);
}

void machine::terminate() {
    if (!runs_ || off_is_wanted_) return;
    off_is_wanted_ = true;
    runs_->send_signal(SIGTERM);
}

mayhem::coro<void> machine::power_off() {
    terminate();
    bool is_off = co_await goes_off_within(options_->grace);
    if (is_off) co_return;
    mayhem::log(mayhem::log_level::info, "{} ignores SIGTERM; killing it", host_name_of(name_));
    runs_->send_signal(SIGKILL);
    is_off = co_await goes_off_within(options_->health_limit);
    if (is_off) co_return;
    throw boot_failed(fmt::format("process {} does not even end by SIGKILL", runs_->pid()));
}

std::chrono::milliseconds machine::draw_boot_delay() {
    const auto range = options_->boot_delay_max - options_->boot_delay_min;
    const double part = draw_fraction(options_->seed, name_, boots_++);
    const auto extra = static_cast<std::int64_t>(part * static_cast<double>(range.count()));
    return options_->boot_delay_min + std::chrono::milliseconds(extra);
}

// ---- The attendant --------------------------------------------------------------------------

void machine::attend(std::unique_ptr<instance> started) {
    runs_ = std::move(started);
    boot_.reset();
    off_is_wanted_ = false;
    answers_ = true;
    attendant_ = mayhem::create_task(see_through(shared_from_this()), "attend " + name_);
}

mayhem::coro<void> machine::see_through([[maybe_unused]] std::shared_ptr<machine> self) {
    std::string why;
    try {
        boot_ = co_await mayhem::timeout(options_->health_limit, wait_for_health());
        state_changed();
    } catch (const mayhem::timeout_error&) {
        why = fmt::format("it was not healthy {} after it was switched on", options_->health_limit);
    } catch (const std::exception& error) {
        why = error.what();
    }
    if (!why.empty()) runs_->send_signal(SIGKILL);  // half a boot is none
    std::string end;
    try {
        end = co_await runs_->wait_for_end();
    } catch (const std::exception& error) {
        end = error.what();
    }
    went_off(why.empty() ? end : fmt::format("{} ({})", why, end));
}

/// Both have to say so: the process that it is ready, and its health port that it is this boot.
mayhem::coro<boot_record> machine::wait_for_health() {
    boot_record boot = co_await runs_->wait_for_boot();
    for (;;) {
        const auto answer = co_await ask_health(boot.port, options_->answer_limit);
        if (answer && answer->boot_id == boot.boot_id) co_return boot;
        if (!runs_->is_running()) throw boot_failed("it ended before it answered");
        co_await mayhem::sleep(10ms);
    }
}

void machine::went_off(std::string why) {
    if (is_on() && !off_is_wanted_) {
        mayhem::log(mayhem::log_level::warning, "{} went down by itself: {}", host_name_of(name_),
                    why);
    }
    runs_.reset();
    boot_.reset();
    why_off_ = std::move(why);
    state_changed();
}

void machine::state_changed() noexcept {
    changed_.set();  // wakes everybody who waits now; they look for themselves
    changed_.clear();
}

mayhem::coro<void> machine::wait_until_booted() {
    while (runs_ && !boot_) co_await changed_.wait();
}

mayhem::coro<void> machine::wait_until_off() {
    while (runs_) co_await changed_.wait();
}

mayhem::coro<bool> machine::goes_off_within(std::chrono::milliseconds limit) {
    try {
        co_await mayhem::timeout(limit, wait_until_off());
    } catch (const mayhem::timeout_error&) {
    }
    co_return !runs_;  // it may have ended in the very moment of the timeout
}

// ---- The keeper -----------------------------------------------------------------------------

mayhem::coro<void> machine::keep([[maybe_unused]] std::shared_ptr<machine> self) {
    auto pause = options_->revive_pause;
    for (;;) {
        const bool is_off = co_await goes_off_within(options_->ask_every);
        if (!is_off) {
            co_await look_after();
            continue;
        }
        const bool is_back = co_await revive();
        if (is_back) {
            pause = options_->revive_pause;
        } else {
            co_await mayhem::sleep(pause);
            pause = std::min<std::chrono::milliseconds>(2 * pause, 60s);
        }
    }
}

/// @returns false when the host could not be switched on.
mayhem::coro<bool> machine::revive() {
    const auto turn = co_await turn_.acquire_guard();  // waits for a restart that is under way
    if (runs_) co_return true;
    const std::string host = host_name_of(name_);
    mayhem::log(mayhem::log_level::warning, "{} is down; switching it on", host);
    std::string failure;
    try {
        co_await bring_up_in_turn();
        mayhem::log(mayhem::log_level::info, "Switched on {}", host);
        co_return true;
    } catch (const std::exception& error) {
        failure = error.what();
    }
    mayhem::log(mayhem::log_level::error, "Could not switch on {}: {}", host, failure);
    co_return false;
}

/// Shows the host that somebody cares for it, and notes when it falls silent.
mayhem::coro<void> machine::look_after() {
    const auto boot = co_await boot_id();
    const bool answers = boot || !is_on();  // one that is just being restarted is excused
    if (!answers && answers_) {
        mayhem::log(mayhem::log_level::warning, "{} does not answer", host_name_of(name_));
    }
    answers_ = answers;
}

}  // namespace mandrill
