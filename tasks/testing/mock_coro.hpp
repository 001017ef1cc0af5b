// Coroutines out of gMock: actions for methods that return coro<T> or task<T>.
//
//     struct mock_store : store { MOCK_METHOD(coro<int>, save, (std::string), (override)); };
//
//     EXPECT_CALL(store, save("a"))
//         .WillOnce(CoReturn(7))                       // what co_await gives
//         .WillOnce(CoThrow(save_failed("disk full"))) // what co_await throws
//         .WillOnce(CoInvoke([](std::string text) { return int(text.size()); }))
//         .WillOnce(CoSleepThen(2s, CoReturn(8)))      // first, time passes
//         .WillRepeatedly(CoBlock());                  // never ends, but by being cancelled
//
// Nothing of an action happens when the method is called: it happens when the coroutine is awaited,
// as with a real one. gMock counts the calls; `co_calls` counts the awaits as well. A call whose
// coroutine is dropped without having been awaited fails the test, at the line of its action.
//
// Methods that return coro<void> need no action. It refuses to guess values: any other method
// without an action fails as gMock's methods do.
#pragma once

#include <concepts>
#include <cstddef>
#include <gmock/gmock.h>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>

#include "tasks/coro/coro.hpp"
#include "tasks/coro/future.hpp"
#include "tasks/coro/task.hpp"
#include "tasks/sleep.hpp"
#include "tasks/testing/leak_check.hpp"

namespace mayhem::testing {

namespace kit {

struct call_counts {
    std::size_t called = 0;
    std::size_t awaited = 0;
    std::size_t finished = 0;
};

/// Travels in the frame of a mocked coroutine, and so sees whether it ever runs.
class mocked_call {
  public:
    mocked_call(std::shared_ptr<call_counts> counts, const std::source_location& action)
        : counts_(std::move(counts)), action_(action) {
        if (counts_) ++counts_->called;
    }
    mocked_call(mocked_call&& other) noexcept
        : counts_(std::move(other.counts_)),
          action_(other.action_),
          is_waiting_(std::exchange(other.is_waiting_, false)) {}
    mocked_call& operator=(mocked_call&&) = delete;
    ~mocked_call() {
        if (is_waiting_) report_unawaited_call(action_);
    }

    void awaited() noexcept {
        is_waiting_ = false;
        if (counts_) ++counts_->awaited;
    }
    void finished() noexcept {
        if (counts_) ++counts_->finished;
    }

  private:
    std::shared_ptr<call_counts> counts_;
    std::source_location action_;
    bool is_waiting_ = true;
};

/// An argument as the frame keeps it: a copy, or a reference where the method takes one to change.
template <typename Arg>
using kept_argument = std::conditional_t<std::is_lvalue_reference_v<Arg> &&
                                             !std::is_const_v<std::remove_reference_t<Arg>>,
                                         Arg, std::decay_t<Arg>>;

/// The coroutine that a mocked call returns. It ends with what `perform(arguments)` gives: a value,
/// a coroutine, or an exception.
template <typename T, typename Perform, typename Arguments>
coro<T> play(mocked_call call, Perform perform, Arguments arguments, duration delay) {
    call.awaited();
    if (delay > duration{0}) co_await mayhem::sleep(delay);
    using answer = decltype(perform.template run<T>(arguments));
    if constexpr (std::is_void_v<T>) {
        if constexpr (is_coro_v<answer>) {
            co_await perform.template run<T>(arguments);
        } else {
            perform.template run<T>(arguments);
        }
        call.finished();
    } else if constexpr (is_coro_v<answer>) {
        T value = co_await perform.template run<T>(arguments);
        call.finished();
        co_return static_cast<T&&>(value);
    } else {
        T value = perform.template run<T>(arguments);
        call.finished();
        co_return static_cast<T&&>(value);
    }
}

struct return_nothing {
    static constexpr bool wants_arguments = false;
    template <typename T>
    void run(std::tuple<>&) {}
};

template <typename Value>
struct return_value {
    static constexpr bool wants_arguments = false;
    template <typename T>
    T run(std::tuple<>&) {
        if constexpr (std::copy_constructible<Value>) {
            return T(**value);
        } else {
            if (!*value) throw std::logic_error("CoReturn: its value was moved out already");
            return T(*std::exchange(*value, std::nullopt));
        }
    }
    std::shared_ptr<std::optional<Value>> value;  // gMock copies actions
};

template <typename Error>
struct throw_error {
    static constexpr bool wants_arguments = false;
    template <typename T>
    T run(std::tuple<>&) {
        throw error;
    }
    Error error;
};

struct block {
    static constexpr bool wants_arguments = false;
    template <typename T>
    coro<T> run(std::tuple<>&) {
        promise<T> never;
        co_return co_await never.get_future();
    }
};

template <typename Function>
struct call_function {
    static constexpr bool wants_arguments = true;
    template <typename T, typename... Args>
    auto run(std::tuple<Args...>& arguments) {
        return std::apply(
            [this](auto&... each) { return (*function)(static_cast<Args&&>(each)...); }, arguments);
    }
    std::shared_ptr<Function> function;  // a coroutine's captures live here
};

}  // namespace kit

/// What became of the calls to mocked coroutines: the await counts of asyncio's AsyncMock.
///
///     co_calls saves;
///     EXPECT_CALL(store, save).WillRepeatedly(CoReturn(7).counted(saves));
///     ...
///     EXPECT_EQ(saves.awaited(), 2U);
class co_calls {
  public:
    [[nodiscard]] std::size_t called() const noexcept { return counts_->called; }
    /// How many of them were awaited: have begun to run.
    [[nodiscard]] std::size_t awaited() const noexcept { return counts_->awaited; }
    /// How many of those have returned a value: neither thrown, nor been cancelled.
    [[nodiscard]] std::size_t finished() const noexcept { return counts_->finished; }

    [[nodiscard]] const std::shared_ptr<kit::call_counts>& shared() const noexcept {
        return counts_;
    }

  private:
    std::shared_ptr<kit::call_counts> counts_ = std::make_shared<kit::call_counts>();
};

/// An action of a mocked coroutine; made by the functions below.
template <typename Perform>
class co_action {
  public:
    co_action(Perform perform, const std::source_location& where)
        : perform_(std::move(perform)), where_(where) {}

    /// The same action, counted.
    [[nodiscard]] co_action counted(const co_calls& calls) const {
        co_action made = *this;
        made.counts_ = calls.shared();
        return made;
    }
    /// The same action, after `delay` more.
    [[nodiscard]] co_action after(duration delay) const {
        co_action made = *this;
        made.delay_ += delay;
        return made;
    }

    template <typename T, typename... Args>
    operator ::testing::Action<coro<T>(Args...)>() const {
        return [own = *this](Args... args) { return own.template start<T, Args...>(args...); };
    }
    /// A task starts on the next tick, whether or not somebody awaits it.
    template <typename T, typename... Args>
    operator ::testing::Action<task<T>(Args...)>() const {
        return [own = *this](Args... args) {
            return create_task(own.template start<T, Args...>(args...));
        };
    }

  private:
    template <typename T, typename... Args>
    coro<T> start([[maybe_unused]] Args&... args) const {
        kit::mocked_call call(counts_, where_);
        if constexpr (Perform::wants_arguments) {
            using kept = std::tuple<kit::kept_argument<Args>...>;
            kept arguments(static_cast<Args&&>(args)...);
            return kit::play<T>(std::move(call), perform_, std::move(arguments), delay_);
        } else {
            return kit::play<T>(std::move(call), perform_, std::tuple<>(), delay_);
        }
    }

    Perform perform_;
    std::source_location where_;
    std::shared_ptr<kit::call_counts> counts_;
    duration delay_{};
};

/// The coroutine returns nothing.
[[nodiscard]] inline auto CoReturn(
    const std::source_location& where = std::source_location::current()) {
    return co_action(kit::return_nothing(), where);
}
/// The coroutine returns (a copy of) `value`. What can only be moved is returned once.
template <typename Value>
[[nodiscard]] auto CoReturn(Value value,
                            const std::source_location& where = std::source_location::current()) {
    return co_action(
        kit::return_value<Value>{std::make_shared<std::optional<Value>>(std::move(value))}, where);
}
/// The coroutine throws a copy of `error`.
template <typename Error>
[[nodiscard]] auto CoThrow(Error error,
                           const std::source_location& where = std::source_location::current()) {
    return co_action(kit::throw_error<Error>{std::move(error)}, where);
}
/// The coroutine calls `function` with the method's arguments and returns what it returns; it may
/// be a coroutine itself. The arguments are copied, but for references to what is not const.
template <typename Function>
[[nodiscard]] auto CoInvoke(Function function,
                            const std::source_location& where = std::source_location::current()) {
    return co_action(kit::call_function<Function>{std::make_shared<Function>(std::move(function))},
                     where);
}
/// The coroutine never ends by itself; cancelled, it throws `cancelled`.
[[nodiscard]] inline auto CoBlock(
    const std::source_location& where = std::source_location::current()) {
    return co_action(kit::block(), where);
}
/// The coroutine sleeps for `delay` and then does what `action` says.
template <typename Rep, typename Period, typename Perform>
[[nodiscard]] co_action<Perform> CoSleepThen(std::chrono::duration<Rep, Period> delay,
                                             const co_action<Perform>& action) {
    return action.after(to_duration(delay));
}

namespace kit {

/// A mocked method that returns coro<void> needs no action.
inline const bool default_action_is_set = [] {
    ::testing::DefaultValue<coro<void>>::SetFactory([] {
        mocked_call call(nullptr, std::source_location::current());
        return play<void>(std::move(call), return_nothing(), std::tuple<>(), duration{0});
    });
    return true;
}();

}  // namespace kit
}  // namespace mayhem::testing
