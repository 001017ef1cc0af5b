// What a test may not leave behind, and how a test says that it does so on purpose.
//
// Every CO_TEST checks, once its body has ended:
//   tasks          no task is pending (each one's stack is printed)
//   operations     nothing is in flight in the kernel
//   descriptors    the same descriptors are open as before
//   never_awaited  no coroutine was made and dropped without having been awaited
//   errors         nothing reached the loop's exception handler (a test that sets a handler of its
//                  own has taken this check over)
//
// It knows nothing of memory: AddressSanitizer does that.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <source_location>
#include <string>
#include <vector>

#include "loop/event_loop.hpp"

namespace mayhem::testing {

enum class check : std::uint8_t { tasks, operations, descriptors, never_awaited, errors };

/// The running test does without this check, from now on: `skip_check(check::tasks)` at the place
/// where the reader wonders. Fails the test when none is running.
void skip_check(check which);

/// How many descriptors this process has open.
[[nodiscard]] std::size_t open_descriptors();

namespace kit {

/// The checks of one test; one at a time. Its owner calls the members in the order in which they
/// stand here.
class leak_guard {
  public:
    /// Notes which descriptors are open.
    leak_guard();
    leak_guard(const leak_guard&) = delete;
    leak_guard& operator=(const leak_guard&) = delete;
    ~leak_guard();

    /// Installs an exception handler that fails the test.
    void watch(event_loop& loop);
    /// The body has ended, the loop stands still: tasks, operations.
    void check_loop(event_loop& loop);
    /// The loop is gone: descriptors, coroutines.
    void check_process();

    /// The one that is running, or null.
    [[nodiscard]] static leak_guard* current() noexcept;

    void skip(check which) noexcept { skipped_.set(static_cast<std::size_t>(which)); }
    [[nodiscard]] bool does(check which) const noexcept {
        return !skipped_.test(static_cast<std::size_t>(which));
    }

  private:
    static void on_never_awaited(const std::source_location& definition) noexcept;

    std::bitset<8> skipped_;
    std::map<int, std::string> descriptors_;
    std::size_t simulated_descriptors_;
    std::mutex mutex_;  // coroutines are dropped on any thread
    std::vector<std::string> never_awaited_;
};

/// A mocked call's coroutine was dropped without having been awaited: fails the test, unless the
/// check is skipped.
void report_unawaited_call(const std::source_location& action) noexcept;

}  // namespace kit
}  // namespace mayhem::testing
