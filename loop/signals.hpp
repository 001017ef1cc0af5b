// Signals as events: a signalfd per loop, and a table per process that says which loops watch
// which signal.
//
// Problem: a signalfd *consumes* a signal. When two loops watch SIGTERM, the kernel gives it to
// whichever reads first, and the other would never hear of it.
// Solution: the loop that reads a signal looks the watchers up in the process-wide table and posts
// to each one's inbox. A watcher that is still queued is not posted again: signals coalesce, as
// they do in the kernel.
//
// A signal must be blocked in *every* thread, or the kernel may deliver it to a thread that does
// not block it, with the default action: for SIGTERM the end of the process. So `add` blocks it
// in the calling thread (threads started later inherit that) and refuses when an older thread
// does not block it.
#pragma once

#include <csignal>
#include <functional>
#include <map>
#include <memory>

#include "loop/fd.hpp"
#include "loop/inbox.hpp"

namespace mayhem {

using signal_handler = std::function<void(int)>;

class event_loop;

/// The signals that one loop watches. All members are for the loop's own thread.
class signal_set {
  public:
    signal_set(event_loop& loop, std::shared_ptr<inbox> mail);
    signal_set(const signal_set&) = delete;
    signal_set& operator=(const signal_set&) = delete;
    ~signal_set();

    /// Starts watching, or replaces the handler. Throws loop_error for signals that cannot be
    /// caught and when another thread does not block the signal, std::system_error otherwise.
    void add(int signal_number, signal_handler handler);

    /// Stops watching and restores the mask. @returns false when it was not watched.
    bool remove(int signal_number);

    void remove_all() noexcept;

    [[nodiscard]] bool watches(int signal_number) const { return watches_.contains(signal_number); }

    [[nodiscard]] bool empty() const noexcept { return watches_.empty(); }

    /// True when every watched signal is in `mask` (bit n-1 for signal n).
    [[nodiscard]] bool watches_only(std::size_t mask) const noexcept;

    /// Readable when a signal is pending; -1 before the first `add`.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }

    /// Reads what is pending and tells every watcher in the process. Bounded: the kernel keeps at
    /// most one of each standard signal.
    void dispatch() noexcept;

    struct watch;

  private:
    void update_descriptor();

    event_loop& loop_;
    std::shared_ptr<inbox> inbox_;
    std::map<int, std::shared_ptr<watch>> watches_;
    unique_fd descriptor_;
};

/// The kernel's name of a signal, "SIGTERM"; "signal 77" when it has none.
[[nodiscard]] std::string signal_name(int signal_number);

}  // namespace mayhem
