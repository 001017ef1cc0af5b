#include "tests/stress/random/random_program.hpp"

#include <array>

namespace mayhem::testing {

namespace {

/// Counts who is in a critical section, by scope.
class presence {
  public:
    presence(int& inside, int& most) : inside_(inside) { most = std::max(most, ++inside_); }
    presence(const presence&) = delete;
    presence& operator=(const presence&) = delete;
    ~presence() { --inside_; }

  private:
    int& inside_;
};

constexpr std::size_t permits_at_start = 3;
constexpr std::size_t parties = 2;
constexpr std::size_t room = 2;

}  // namespace

/// What the tasks of one program share. Lives in the program, so it outlives them all.
struct random_program::shared {
    lock door;
    semaphore permits{permits_at_start};
    queue<int> items{room};
    condition changed;
    barrier gate{parties};
    event flag;
    int behind_the_door = 0, most_behind_the_door = 0;
    int with_permit = 0, most_with_permit = 0;
    int put = 0, got = 0;
    int inside = 0, most_inside = 0;
};

random_program::random_program(std::uint64_t seed, const program_size& size)
    : random_(seed), size_(size), at_(std::make_unique<shared>()) {}

random_program::~random_program() = default;

coro<> random_program::run(notes& found) {
    found.afterwards([this, &found] { judge(found); });
    for (int i = 0; i < size_.tasks; ++i) started_.push_back(create_task(act_many(0)));
    // By index: tasks start tasks while we wait.
    std::exception_ptr problem;
    for (std::size_t i = 0; i < started_.size(); ++i) {
        try {
            co_await see_to_the_end(all_of(started_[i]));
        } catch (...) {
            if (!is_part_of_the_game(std::current_exception())) problem = std::current_exception();
        }
    }
    started_.clear();
    if (problem) std::rethrow_exception(problem);
}

/// When the loop is closed: siblings of who failed go on, and end with it.
void random_program::judge(notes& found) const {
    const shared& at = *at_;
    found.require(at.most_behind_the_door <= 1, "two tasks held the lock");
    found.require(!at.door.locked(), "nobody holds the lock, and it is locked");
    found.require(at.most_with_permit <= static_cast<int>(permits_at_start),
                  "more tasks than permits");
    found.require(at.permits.value() == permits_at_start, "a permit is lost or was made up");
    found.require(at.put == at.got + static_cast<int>(at.items.size()),
                  "items put are not items got and items left");
    found.require(!at.changed.locked(), "nobody holds the condition's lock, and it is locked");
    found.require(at.gate.n_waiting() == 0, "the barrier counts somebody who has left");
    found.require(at.inside == 0, "a task has ended without its scopes");
}

coro<> random_program::act_many(int depth) {
    const presence here(at_->inside, at_->most_inside);
    for (int i = 0; i < size_.actions; ++i) {
        ++actions_;
        try {
            // Nothing here waits for ever: partners may have been cancelled.
            co_await timeout(std::chrono::milliseconds(20), act(depth));
        } catch (const timeout_error&) {
        } catch (const exception_group&) {
        } catch (const std::system_error&) {  // the other end of a stream has gone
        } catch (const cancelled&) {
            ++cut_off_;
            const bool go_on = draw(3) != 0;  // most obey, some do not
            if (!go_on) throw;
        }
    }
}

coro<> random_program::act(int depth) {
    constexpr std::uint64_t primitive_actions = 10;
    constexpr std::uint64_t task_actions = 9;
    const std::uint64_t choice = draw(primitive_actions + task_actions);
    if (choice < primitive_actions) {
        co_await act_on_primitives(choice);
    } else {
        co_await act_on_tasks(choice - primitive_actions, depth);
    }
}

coro<> random_program::act_on_primitives(std::uint64_t choice) {
    switch (choice) {
        case 0:
            return hold_the_lock();
        case 1:
            return hold_a_permit();
        case 2:
            return put_an_item();
        case 3:
            return get_an_item();
        case 4:
            return meet_at_the_barrier();
        case 5:
            return wait_for_notification();
        case 6:
            return notify();
        case 7:
            at_->flag.is_set() ? at_->flag.clear() : at_->flag.set();
            return detail::as_coro(yield());
        case 8:
            return detail::as_coro(at_->flag.wait());
        default:
            return detail::as_coro(mayhem::sleep(short_time()));
    }
}

coro<> random_program::act_on_tasks(std::uint64_t choice, int depth) {
    if (depth >= size_.depth_max && choice < 6) choice = 6 + choice % 3;
    switch (choice) {
        case 0:
            return gather_some(depth);
        case 1:
            return group_some(depth);
        case 2:
            return take_as_completed(depth);
        case 3:
            return shield_one(depth);
        case 4:
            return limit_one(depth);
        case 5:
            started_.push_back(create_task(act_many(depth + 2)));
            return detail::as_coro(yield());
        case 6:
            cancel_somebody();
            return detail::as_coro(yield());
        case 7:
            return talk();
        default:
            return use_a_thread();
    }
}

bool random_program::is_part_of_the_game(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const timeout_error&) {
        return true;
    } catch (const exception_group&) {
        return true;
    } catch (const std::system_error&) {
        return true;  // the other end of a stream has gone
    } catch (...) {
        return false;
    }
}

// ---- Primitives ---------------------------------------------------------------------------

coro<> random_program::hold_the_lock() {
    auto held = co_await at_->door.acquire_guard();
    const presence here(at_->behind_the_door, at_->most_behind_the_door);
    co_await mayhem::sleep(short_time());
}

coro<> random_program::hold_a_permit() {
    auto held = co_await at_->permits.acquire_guard();
    const presence here(at_->with_permit, at_->most_with_permit);
    co_await mayhem::sleep(short_time());
}

coro<> random_program::put_an_item() {
    co_await at_->items.put(1);
    ++at_->put;
}

coro<> random_program::get_an_item() {
    (void)co_await at_->items.get();
    ++at_->got;
}

coro<> random_program::meet_at_the_barrier() { (void)co_await at_->gate.wait(); }

coro<> random_program::wait_for_notification() {
    auto held = co_await at_->changed.acquire_guard();
    co_await at_->changed.wait();
}

coro<> random_program::notify() {
    auto held = co_await at_->changed.acquire_guard();
    at_->changed.notify(1 + draw(3));
}

// ---- Tasks --------------------------------------------------------------------------------

void random_program::cancel_somebody() {
    const auto everybody = all_tasks();
    task_ref victim = everybody[draw(everybody.size())];
    if (victim.name() != "main") victim.cancel();
}

coro<> random_program::gather_some(int depth) {
    std::vector<coro<>> children;
    for (std::uint64_t count = draw(3); count > 0; --count) children.push_back(act(depth + 1));
    const bool collecting = draw(2) == 0;
    if (collecting) {
        auto outcomes = co_await gather(return_exceptions, std::move(children));
    } else {
        co_await gather(std::move(children));
    }
}

coro<> random_program::group_some(int depth) {
    auto body = [this, depth](task_group& group) -> coro<> {
        for (std::uint64_t count = draw(3); count > 0; --count) {
            group.create_task(act(depth + 1));
        }
        co_await act(depth + 1);
    };
    co_await with_task_group(body);
}

coro<> random_program::take_as_completed(int depth) {
    std::vector<coro<>> children;
    for (std::uint64_t count = 1 + draw(2); count > 0; --count) {
        children.push_back(act(depth + 1));
    }
    auto stream = as_completed(std::move(children));
    for (bool more = true; more;) {
        auto next = co_await stream.next();
        more = next.has_value() && draw(4) != 0;  // sometimes the rest is left alone
        if (next) (void)next->exception();
    }
}

coro<> random_program::shield_one(int depth) {
    auto inner = create_task(timeout(std::chrono::milliseconds(20), act(depth + 1)));
    started_.push_back(inner);  // somebody has to see its end
    co_await shield(inner);
}

coro<> random_program::limit_one(int depth) { co_await wait_for(act(depth + 1), short_time()); }

// ---- The world outside --------------------------------------------------------------------

namespace {

coro<> echo_once(unix_stream& on) {
    std::array<std::byte, 32> buffer{};
    const std::size_t count = co_await on.read_some(buffer);
    co_await on.write_all(std::span(buffer).first(count));
}

}  // namespace

coro<> random_program::talk() {
    auto [near, far] = unix_stream::pair();
    unix_stream here = std::move(near);
    unix_stream there = std::move(far);
    auto body = [&](task_group& group) -> coro<> {
        group.create_task(echo_once(there));
        co_await here.write_all("hello");
        std::array<std::byte, 5> answer{};
        co_await here.read_exactly(answer);
    };
    co_await with_task_group(body);
}

coro<> random_program::use_a_thread() {
    if (!size_.threads) co_return;
    auto job = [number = std::make_shared<int>(1)] { return *number; };
    (void)co_await run_in_executor(job);
}

}  // namespace mayhem::testing
