// What every stage program needs and none is about: its command line, the format of its log, chance
// that a seed repeats, and a clock that can be virtual.
//
// The loop, its signals, its errors and its end are what the stages teach: nothing of that is done
// here. The one thing that reaches into a loop is `--signal`, which sends this process a real
// signal at a given time of the loop's clock, so that a service without an end can be shown whole.
#pragma once

#include <concepts>
#include <fmt/format.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "loop/log.hpp"
#include "tasks/run.hpp"

namespace mayhem::examples {

/// Reads the command line, and sets up chance and the log. One for each program.
///
///     --seed N          chance repeats itself; without it, every run is another
///     --clock virtual   time jumps instead of passing, and the log begins at 12:00:00,000
///     --messages N      what messages() answers
///     --fail WHAT@N     the Nth chance of WHAT to fail is taken, and no other
///     --signal NAME@S   this process is sent the signal after S seconds; may be repeated
class stage {
  public:
    /// Ends the program with status 2 when the command line is wrong.
    stage(int argc, char** argv);

    /// How many messages to publish.
    [[nodiscard]] int messages(int otherwise) const;

    /// For `run` and `runner`; `options().loop` is for an event_loop.
    [[nodiscard]] run_options options() const;
};

/// As Python's `random` module and `uuid4`; callable from any thread.
/// Between 0 and 1 s.
[[nodiscard]] std::chrono::duration<double> random_seconds();
/// From `first` up to, and not including, `last`.
[[nodiscard]] int randrange(int first, int last);
/// Small letters and digits.
[[nodiscard]] std::string random_id(int length);
[[nodiscard]] std::string uuid4();

/// Whether `what` fails this time: one time in `one_in`, or the time that --fail names.
[[nodiscard]] bool should_fail(std::string_view what, int one_in);

/// Blocks the thread, as Python's time.sleep; a virtual clock only moves the time of the log.
void time_sleep(std::chrono::duration<double> delay);

/// Runs a function at the end of its scope, however that is left; Python's `finally`.
template <std::invocable Function>
class finally {
  public:
    explicit finally(Function function) : function_(std::move(function)) {}
    finally(const finally&) = delete;
    finally& operator=(const finally&) = delete;
    ~finally() { function_(); }

  private:
    Function function_;
};

/// Python's logging module, as far as the stages use it; the format string is fmt's.
namespace logging {

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
    log(log_level::debug, format, std::forward<Args>(args)...);
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
    log(log_level::info, format, std::forward<Args>(args)...);
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
    log(log_level::warning, format, std::forward<Args>(args)...);
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
    log(log_level::error, format, std::forward<Args>(args)...);
}

}  // namespace logging

/// Has a text to be logged as; Python's __repr__.
template <typename T>
concept has_repr = requires(const T& item) {
    { item.repr() } -> std::convertible_to<std::string>;
};

}  // namespace mayhem::examples

/// `logging::info("Consumed {}", message)`.
template <mayhem::examples::has_repr T>
struct fmt::formatter<T> : fmt::formatter<std::string> {
    auto format(const T& item, fmt::format_context& context) const {
        return fmt::formatter<std::string>::format(item.repr(), context);
    }
};

/// What tasks share is logged as itself.
template <mayhem::examples::has_repr T>
struct fmt::formatter<std::shared_ptr<T>> : fmt::formatter<T> {
    auto format(const std::shared_ptr<T>& item, fmt::format_context& context) const {
        return fmt::formatter<T>::format(*item, context);
    }
};
