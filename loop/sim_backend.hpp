// The simulated kernel as a backend: time is virtual, and chance has a seed.
//
// Facts. A program that is correct on a real kernel has to bear everything that a kernel may do:
// completions in any order, reads that bring one byte, an operation that completes although it was
// just cancelled. A real kernel does these things rarely, and never twice in the same way.
// Solution. Here they are done often, and in the same way for the same seed. The life of an
// operation on a simulated descriptor:
//
//            ready            after a delay               after a delay
//   waiting -------> granted ---------------> decided --------------------> completed
//      ^                |  taken by another,     (its effect is there,
//      +----------------+  or "interrupted"       nobody knows it yet)
//
// A cancel that finds it waiting or granted decides it with -ECANCELED, or, if it could complete
// just then, perhaps lets it: the two outcomes of the race that a real kernel has. A decided one
// keeps its result.
//
// Everybody is asked at every poll whether he is ready now. That is slow and cannot lose a wake-up,
// which is the right trade here.
//
// Real descriptors (the loop's own, pipes of child processes, terminals) are served by the epoll
// backend that this one is built upon. Operations on regular files are made on the spot, but are
// delayed, cut short and failed like all others.
//
// What it refuses: real time. The loop's clock is virtual here, always. It jumps to whatever comes
// first, a timer or one of these delays, and only waits for what really is outside: child
// processes, signals, other threads.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <string_view>
#include <system_error>
#include <vector>

#include "loop/epoll_backend.hpp"
#include "loop/sim_kernel.hpp"
#include "loop/sim_options.hpp"

namespace mayhem {

class sim_backend final : public epoll_backend {
  public:
    [[nodiscard]] static std::expected<std::unique_ptr<backend>, std::error_code> create(
        ready_queue& ready, const sim_options& options);
    /// REQUIRES: nothing is in flight.
    ~sim_backend() override;

    [[nodiscard]] std::string_view name() const noexcept override { return "sim"; }
    [[nodiscard]] bool completes_files_asynchronously() const noexcept override { return true; }
    [[nodiscard]] sim_backend* simulation() noexcept override { return this; }
    void submit(operation& op) noexcept override;
    [[nodiscard]] bool start(operation& op) noexcept override;
    void cancel(operation& op) noexcept override;
    void cancel_all() noexcept override;
    [[nodiscard]] std::error_code poll(wait mode) noexcept override;
    void forget(int fd) noexcept override;

    // ---- For the loop ---------------------------------------------------------------------

    /// Tells where the virtual clock stands. (Without a loop, `poll(wait::yes)` moves it.)
    void set_time(time_point now) noexcept { kernel_.faults().set_now(now); }
    /// The next moment at which a poll would find something; `never` if that is up to others.
    [[nodiscard]] time_point next_completion() const noexcept;
    /// Operations that nothing but this thread's own actions can complete.
    [[nodiscard]] std::size_t waiting() const noexcept;
    /// How long a job in an executor takes: jobs run on the loop's thread, one at a time.
    [[nodiscard]] duration job_delay() noexcept { return kernel_.faults().delay(); }
    /// What to set MAYHEM_SEED to, to see this run again.
    [[nodiscard]] std::uint64_t seed() const noexcept { return kernel_.faults().seed(); }

  private:
    enum class stage : std::uint8_t { waiting, granted, decided };

    struct entry {
        operation* op;  // null once it is over
        stage at = stage::waiting;
        time_point due{};            // granted and decided: when
        std::int32_t result = 0;     // decided
        std::uint64_t activity = 0;  // of a multishot poll: the last edge that was told
    };

    sim_backend(ready_queue& ready, unique_fd epoll, const sim_options& options);

    [[nodiscard]] bool is_ours(const operation& op) const noexcept;
    [[nodiscard]] bool is_ready(const entry& item) noexcept;
    [[nodiscard]] bool is_first(std::size_t index) const noexcept;
    [[nodiscard]] entry* find(const operation& op) noexcept;

    void progress() noexcept;
    bool grant(std::size_t count) noexcept;
    void collect_due(std::size_t count);
    void take_effect(std::size_t index) noexcept;
    std::int32_t perform(operation& op) noexcept;
    std::int32_t perform_on_file(operation& op) noexcept;
    void shoot(std::size_t index, std::int32_t result) noexcept;
    void decide(entry& item, std::int32_t result) noexcept;
    void complete(entry& item) noexcept;

    ready_queue& ready_;
    sim_kernel& kernel_;
    std::deque<entry> entries_;  // in the order of their submission; grows under iteration
    struct due_entry {
        time_point due;
        std::uint64_t lot;
        std::size_t index;
    };
    std::vector<due_entry> due_;
    std::size_t shots_ = 0;  // since the poll began: they are something to return for
};

}  // namespace mayhem
