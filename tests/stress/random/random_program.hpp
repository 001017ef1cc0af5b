// A random program over the public API: tasks that lock, queue, wait, gather, time out, shield,
// talk through sockets and threads, start each other and cancel each other, as a seed decides.
//
// It knows no right order of events (the differential tests do); it knows invariants: what is
// handed over is never lost and never held twice, and everything that began has ended.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tasks/mayhem.hpp"
#include "tests/stress/everywhere/support.hpp"

namespace mayhem::testing {

struct program_size {
    int tasks = 8;        ///< started by the main task
    int actions = 12;     ///< of each task
    int depth_max = 3;    ///< tasks that start tasks that start tasks
    bool threads = true;  ///< jobs in executors, too
};

class random_program {
  public:
    random_program(std::uint64_t seed, const program_size& size);
    random_program(const random_program&) = delete;
    random_program& operator=(const random_program&) = delete;
    ~random_program();

    /// Runs everything and judges. What is wrong goes to the notes.
    coro<> run(notes& found);

    /// What its tasks may fail with when others are cancelled or too slow.
    [[nodiscard]] static bool is_part_of_the_game(const std::exception_ptr& error);

    /// How many actions were carried out, and how many of them were cut off by a cancellation.
    [[nodiscard]] std::uint64_t actions() const noexcept { return actions_; }
    [[nodiscard]] std::uint64_t cut_off() const noexcept { return cut_off_; }

  private:
    struct shared;

    coro<> act_many(int depth);
    coro<> act(int depth);
    coro<> act_on_primitives(std::uint64_t choice);
    coro<> act_on_tasks(std::uint64_t choice, int depth);
    coro<> hold_the_lock();
    coro<> hold_a_permit();
    coro<> put_an_item();
    coro<> get_an_item();
    coro<> meet_at_the_barrier();
    coro<> wait_for_notification();
    coro<> notify();
    coro<> gather_some(int depth);
    coro<> group_some(int depth);
    coro<> take_as_completed(int depth);
    coro<> shield_one(int depth);
    coro<> limit_one(int depth);
    coro<> talk();
    coro<> use_a_thread();
    void cancel_somebody();
    void judge(notes& found) const;

    std::uint64_t draw(std::uint64_t below) { return random_() % below; }
    [[nodiscard]] duration short_time() {
        return std::chrono::milliseconds(static_cast<int>(draw(5)));
    }

    std::mt19937_64 random_;
    program_size size_;
    std::unique_ptr<shared> at_;
    std::vector<task<>> started_;
    std::uint64_t actions_ = 0;
    std::uint64_t cut_off_ = 0;
};

}  // namespace mayhem::testing
