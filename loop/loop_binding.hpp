// Which loop a lock, an event or a queue belongs to, and the refusal of calls from other threads.
//
// These primitives are not told their loop: an event may be made before any loop runs, and be used
// by several, one after the other. So in debug mode each remembers the loop on which it was used
// last; a call from elsewhere while that loop runs is refused. A loop is remembered by number,
// never by address: it may be gone.
//
// Without a loop in debug mode all this is one relaxed load and a branch.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "loop/intrusive_list.hpp"

namespace mayhem {

class event_loop;

namespace detail {

/// A loop's entry in the list of those that run in debug mode now.
class debugged_loop : public list_hook<debugged_loop> {
  public:
    debugged_loop() noexcept;
    debugged_loop(const debugged_loop&) = delete;
    debugged_loop& operator=(const debugged_loop&) = delete;
    ~debugged_loop() { leave(); }

    /// The loop runs on this thread from now on.
    void enter() noexcept;
    void leave() noexcept;

    /// Different for each loop that this process ever had; never 0.
    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    /// The kernel's number of the thread that runs it.
    [[nodiscard]] pid_t thread() const noexcept { return thread_; }

    /// True while any loop runs in debug mode.
    [[nodiscard]] static bool any() noexcept { return count_.load(std::memory_order_relaxed) != 0; }
    /// The thread of the loop `id`; 0 when it does not run in debug mode, in this process.
    [[nodiscard]] static pid_t thread_of(std::uint64_t id) noexcept;

    /// Throws loop_error when the loop `id` runs in debug mode on another thread than this; names
    /// both and `what`.
    static void check_thread(std::uint64_t id, std::string_view what);
    /// The same for what cannot throw (destructors): logs the refusal.
    /// @returns false when the call must not be carried out.
    [[nodiscard]] static bool allows(std::uint64_t id, std::string_view what) noexcept;

  private:
    static std::atomic<int> count_;
    static std::atomic<unsigned> forks_at_last_;  // how often the process had been forked then

    std::uint64_t id_;
    pid_t thread_ = 0;
    unsigned forks_ = 0;
};

/// Throws loop_error: `what` was called here, but it belongs to the loop on thread `owner`.
[[noreturn]] void throw_wrong_thread(std::string_view what, pid_t owner);

/// A primitive's note of its loop.
class loop_binding {
  public:
    /// In debug mode, throws loop_error when called on another thread than that of the loop on
    /// which the primitive was used last, while that loop runs; names both threads and `what`.
    void check_thread(std::string_view what) const {
        if (debugged_loop::any()) [[unlikely]]
            check_slowly(what);
    }
    /// The same for what cannot throw (destructors): logs the refusal.
    /// @returns false when the call must not be carried out.
    [[nodiscard]] bool allows(std::string_view what) const noexcept;

  private:
    void check_slowly(std::string_view what) const;
    void check_elsewhere(std::string_view what, const event_loop* here) const;

    mutable std::atomic<std::uint64_t> loop_{0};  // its id; 0: used on none yet
};

}  // namespace detail
}  // namespace mayhem
