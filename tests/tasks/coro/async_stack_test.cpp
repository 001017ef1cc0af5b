// What people are shown of coroutines: the names of functions, the stack of a task, and where
// something was created.
#include "tasks/coro/async_stack.hpp"

#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>
#include <string>

#include "tasks/mayhem.hpp"
#include "tasks/testing/co_test.hpp"
#include "tests/tasks/support.hpp"

namespace {

using namespace mayhem;
using namespace mayhem::testing;
using namespace std::chrono_literals;

TEST(async_stack, names_of_functions_are_cleaned_whatever_the_compiler_calls_them) {
    EXPECT_EQ(clean_function_name("coro<int> f(int)"), "f");
    EXPECT_EQ(clean_function_name("void f(f(int)::_Z1fi.Frame*)"), "f");
    EXPECT_EQ(clean_function_name("coro<std::vector<int> > app::{anonymous}::save(std::string)"),
              "app::save");
    EXPECT_EQ(clean_function_name("coro<std::vector<int>> app::(anonymous namespace)::save(int)"),
              "app::save");
    EXPECT_EQ(clean_function_name("coro<int> app::f(T) [with T = std::basic_string<char>]"),
              "app::f");
    EXPECT_EQ(clean_function_name("void app::f(f<int>(int)::_ZN3app1fIiEE4coroIiET_.Frame*)"),
              "app::f");
    EXPECT_EQ(clean_function_name("coro<T> queue<T, Order>::get() const [with T = int]"),
              "queue<T, Order>::get");
    EXPECT_EQ(clean_function_name("static coro<int> app::S::make()"), "app::S::make");
    EXPECT_EQ(clean_function_name("main"), "main");
    EXPECT_EQ(clean_function_name(""), "");
}

TEST(async_stack, names_of_lambdas_and_operators_are_the_same_from_both_compilers) {
    for (const char* name : {
             "app::run()::<lambda(int)>",
             "void app::run()::<lambda(int)>::operator()(app::run()::<lambda(int)>::_ZZN.Frame*)",
             "auto app::run()::(anonymous class)::operator()(int) const",
             "auto app::run()::(anonymous class)::operator()(auto) const [x:auto = int]",
         }) {
        EXPECT_EQ(clean_function_name(name), "app::run::<lambda>") << name;
    }
    EXPECT_EQ(clean_function_name(
                  "auto a::run() const::(anonymous class)::operator()()::(anonymous class)::"
                  "operator()() const"),
              "a::run::<lambda>::<lambda>");
    EXPECT_EQ(clean_function_name("coro<int> app::S::operator()(int)"), "app::S::operator()");
    EXPECT_EQ(clean_function_name("coro<int> app::S::operator<(int)"), "app::S::operator<");
    EXPECT_EQ(clean_function_name("app::S::operator coro<int>()"), "app::S::operator coro<int>");
}

TEST(async_stack, names_from_this_compiler_are_clean) {
    const auto location = [] { return std::source_location::current(); };
    EXPECT_TRUE(clean_function_name(location().function_name()).ends_with("::<lambda>"))
        << location().function_name();
    auto own = sleep_long();
    EXPECT_EQ(clean_function_name(own.definition().function_name()), "mayhem::testing::sleep_long");
    own.close();
}

/// The functions of a stack, outermost first, without their namespaces.
std::string functions_of(const std::vector<stack_frame>& frames) {
    std::string text;
    for (const stack_frame& frame : frames) {
        const std::size_t colon = frame.function.rfind(':');
        text += (text.empty() ? "" : " ") +
                frame.function.substr(colon == std::string::npos ? 0 : colon + 1);
    }
    return text;
}

coro<> inner(std::string& seen) {
    seen = functions_of(current_task().get_stack());
    co_await yield();
}

coro<> outer(std::string& during, std::string& after) {
    co_await inner(during);
    after = functions_of(current_task().get_stack());
    co_await yield();
}

CO_TEST(async_stack, the_running_task_knows_all_its_frames_and_forgets_those_that_ended) {
    std::string during;
    std::string after;
    auto running = create_task(outer(during, after));
    co_await ticks(1);
    EXPECT_EQ(during, "outer inner");
    EXPECT_EQ(functions_of(running.get_stack()), "outer inner");
    co_await ticks(1);
    EXPECT_EQ(after, "outer");
    EXPECT_EQ(functions_of(running.get_stack()), "outer");
    co_await running;
    EXPECT_TRUE(running.get_stack().empty());
}

coro<> throwing() {
    co_await yield();
    throw std::runtime_error("out of the inner frame");
}

CO_TEST(async_stack, a_frame_left_by_an_exception_is_no_longer_on_the_stack) {
    const std::string before = functions_of(current_task().get_stack());
    CO_EXPECT_THROW(co_await throwing(), std::runtime_error);
    EXPECT_EQ(functions_of(current_task().get_stack()), before);
}

task<> start_worker() { return create_task(sleep_long(), "worker"); }

coro<task<>> start_from_inside() {
    co_await yield();
    co_return start_worker();
}

coro<task<>> start_from_far_inside() { co_return co_await start_from_inside(); }

CO_TEST(async_stack, in_debug_mode_a_task_remembers_the_coroutines_that_created_it) {
    get_running_loop().set_debug(true);
    auto worker = co_await start_from_far_inside();
    const std::string stack = worker.format_stack();
    const std::size_t created = stack.find("Object created at (most recent call last):");
    CO_ASSERT_TRUE(created != std::string::npos);
    const std::string creation = stack.substr(created);
    const std::size_t far = creation.find("start_from_far_inside");
    const std::size_t near = creation.find("start_from_inside");
    EXPECT_NE(far, std::string::npos) << stack;
    EXPECT_NE(near, std::string::npos) << stack;
    EXPECT_LT(far, near) << stack;
    EXPECT_NE(creation.find("async_stack_test.cpp"), std::string::npos) << stack;
    worker.cancel();
    CO_EXPECT_THROW(co_await worker, cancelled);
}

coro<task<>> start_through_a_task() {
    auto middle = create_task(start_from_inside(), "middle");
    co_return co_await std::move(middle);
}

CO_TEST(async_stack, the_creation_of_the_parent_task_is_part_of_the_stack) {
    get_running_loop().set_debug(true);
    auto worker = co_await start_through_a_task();
    const std::string created = worker.state()->format_creation();
    const std::size_t parent = created.find("start_through_a_task");
    const std::size_t own = created.find("start_from_inside");
    EXPECT_NE(parent, std::string::npos) << created;
    EXPECT_LT(parent, own) << created;
    worker.cancel();
    CO_EXPECT_THROW(co_await worker, cancelled);
}

coro<> descend(int depth, std::string& deepest) {
    if (depth == 0) {
        auto last = create_task(ticks(1));
        deepest = last.state()->format_creation();
        co_await last;
        co_return;
    }
    co_await create_task(descend(depth - 1, deepest));
}

CO_TEST(async_stack, a_creation_stack_is_bounded_and_keeps_the_innermost_frames) {
    get_running_loop().set_debug(true);
    std::string deepest;
    co_await descend(100, deepest);
    const auto lines = static_cast<std::size_t>(std::ranges::count(deepest, '\n'));
    EXPECT_EQ(lines, detail::creation_stack::depth_max) << deepest;
    EXPECT_NE(deepest.rfind("descend"), std::string::npos) << deepest;
}

CO_TEST(async_stack, a_new_name_leaves_the_creation_as_it_is) {
    get_running_loop().set_debug(true);
    auto worker = start_worker();
    const std::string created = worker.state()->format_creation();
    EXPECT_NE(created.find("async_stack_test.cpp"), std::string::npos) << created;
    EXPECT_EQ(worker.name(), "worker");
    worker.set_name("renamed");
    EXPECT_EQ(worker.name(), "renamed");
    EXPECT_EQ(worker.state()->format_creation(), created);
    worker.set_name("");
    EXPECT_EQ(worker.name().rfind("Task-", 0), 0U) << worker.name();
    EXPECT_EQ(worker.state()->format_creation(), created);
    worker.cancel();
    CO_EXPECT_THROW(co_await worker, cancelled);
}

CO_TEST(async_stack, nothing_is_remembered_without_debug_mode) {
    get_running_loop().set_debug(false);
    auto plain = create_task(ticks(1));
    EXPECT_EQ(plain.state()->creation(), nullptr);
    EXPECT_EQ(plain.format_stack().find("created at"), std::string::npos);
    co_await plain;
}

CO_TEST(async_stack, a_task_knows_its_parent) {
    std::uint64_t child_of = 0;
    auto make_child = [&child_of]() -> coro<> {
        auto child = create_task(ticks(1));
        child_of = child.parent_id();
        co_await child;
    };
    auto parent = create_task(make_child());
    EXPECT_EQ(parent.parent_id(), current_task().id());
    co_await parent;
    EXPECT_EQ(child_of, parent.id());
}

/// Gives the handle away: whoever has it can go on with the coroutine, past its task.
class resumed_by_hand final : public suspension {
  public:
    explicit resumed_by_hand(std::coroutine_handle<>& handle) noexcept : handle_(handle) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> frame) noexcept {
        suspend(frame);
        handle_ = frame;
    }
    void await_resume() const noexcept {}
    bool cancel() noexcept override { return false; }
    [[nodiscard]] std::string describe() const override { return "a hand"; }

  private:
    std::coroutine_handle<>& handle_;
};

coro<> await_a_hand(std::coroutine_handle<>& handle, bool awaits_again) {
    resumed_by_hand hand(handle);
    co_await hand;
    if (awaits_again) co_await mayhem::sleep(1s);
}

void resume_by_hand(backend_kind kind, bool awaits_again) {
    std::coroutine_handle<> handle;
    auto from_a_callback = [&handle, awaits_again]() -> coro<> {
        auto child = create_task(await_a_hand(handle, awaits_again));
        co_await yield();
        get_running_loop().call_soon([&handle] { handle.resume(); });
        co_await child;
    };
    EXPECT_DEATH(run(invoke(from_a_callback), test_options(kind)), "outside of its task's steps");
    auto from_another_task = [&handle, awaits_again]() -> coro<> {
        auto child = create_task(await_a_hand(handle, awaits_again));
        co_await yield();
        handle.resume();
        co_await child;
    };
    EXPECT_DEATH(run(invoke(from_another_task), test_options(kind)), "outside of its task's steps");
}

TEST(async_stack, a_coroutine_that_is_resumed_by_hand_aborts_when_it_awaits) {
    for_each_backend([](backend_kind kind) { resume_by_hand(kind, true); });
}

TEST(async_stack, a_coroutine_that_is_resumed_by_hand_aborts_when_it_ends) {
    for_each_backend([](backend_kind kind) { resume_by_hand(kind, false); });
}

/// A wait that somebody ends wrongly.
class broken_wait final : public suspension {
  public:
    enum class fault { wake_twice, resume_while_running };
    explicit broken_wait(fault what) noexcept : fault_(what) {}
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        suspend(frame);
        wake();
        if (fault_ == fault::wake_twice) wake();
    }
    void await_resume() noexcept {
        if (fault_ == fault::resume_while_running) resume();
    }
    bool cancel() noexcept override { return false; }
    [[nodiscard]] std::string describe() const override { return "a broken wait"; }

  private:
    fault fault_;
};

void wait_wrongly(backend_kind kind, broken_wait::fault how) {
    auto body = [how]() -> coro<> {
        broken_wait place(how);
        co_await place;
    };
    run(invoke(body), test_options(kind));
}

TEST(async_stack, a_wait_that_is_ended_twice_aborts_and_names_the_task) {
    for_each_backend([](backend_kind kind) {
        EXPECT_DEATH(wait_wrongly(kind, broken_wait::fault::wake_twice),
                     "<Task pending name='main'.* was woken while it is ready already");
    });
}

TEST(async_stack, a_task_that_is_resumed_while_it_runs_aborts_and_is_named) {
    for_each_backend([](backend_kind kind) {
        EXPECT_DEATH(wait_wrongly(kind, broken_wait::fault::resume_while_running),
                     "<Task pending name='main'.* was resumed while it is running");
    });
}

}  // namespace
