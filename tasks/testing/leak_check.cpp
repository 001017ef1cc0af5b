#include "tasks/testing/leak_check.hpp"

#include <array>
#include <atomic>
#include <dirent.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <string_view>
#include <unistd.h>
#include <utility>

#include "loop/kernel.hpp"
#include "loop/loop_probe.hpp"
#include "tasks/coro/runtime.hpp"
#include "tasks/coro/task.hpp"
#include "tasks/exception_group.hpp"

namespace mayhem::testing {
namespace {

std::atomic<kit::leak_guard*> current_guard{nullptr};

/// Number and target ("socket:[4711]") of every open descriptor.
std::map<int, std::string> list_descriptors() {
    std::map<int, std::string> found;
    DIR* folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) return found;
    const int own = ::dirfd(folder);
    while (const dirent* entry = ::readdir(folder)) {
        if (entry->d_name[0] == '.') continue;
        const int number = std::atoi(entry->d_name);
        if (number == own) continue;
        std::array<char, 256> target{};
        const ssize_t length = ::readlinkat(own, entry->d_name, target.data(), target.size());
        found[number] = std::string(target.data(), length > 0 ? std::size_t(length) : 0);
    }
    ::closedir(folder);
    return found;
}

/// Lets what is ending end: a completion may be waiting unseen in the kernel, and a child that was
/// killed with its `process` takes a moment, in real time, to be gone.
void let_operations_end(event_loop& loop) {
    const loop_probe probe(loop);
    for (int tick = 0; tick < 110 && probe.operations_in_flight() > 0; ++tick) {
        if (tick >= 10) ::poll(nullptr, 0, 10);
        loop.stop();
        loop.run_forever();
    }
}

std::string describe_definition(const std::source_location& definition) {
    return fmt::format("'{}', defined at {}:{}", clean_function_name(definition.function_name()),
                       definition.file_name(), definition.line());
}

}  // namespace

void skip_check(check which) {
    kit::leak_guard* const guard = kit::leak_guard::current();
    if (guard == nullptr) {
        ADD_FAILURE() << "skip_check: no CO_TEST is running";
        return;
    }
    guard->skip(which);
}

std::size_t open_descriptors() { return list_descriptors().size() + kernel::open_simulated(); }

namespace kit {

leak_guard::leak_guard()
    : descriptors_(list_descriptors()), simulated_descriptors_(kernel::open_simulated()) {
    current_guard.store(this);
    mayhem::detail::set_never_awaited_observer(&on_never_awaited);
}

leak_guard::~leak_guard() {
    mayhem::detail::set_never_awaited_observer(nullptr);
    current_guard.store(nullptr);
}

leak_guard* leak_guard::current() noexcept { return current_guard.load(); }

void leak_guard::watch(event_loop& loop) {
    loop.set_exception_handler([this](event_loop&, const exception_context& context) {
        if (!does(check::errors)) return;
        ADD_FAILURE() << "The exception handler was called: " << context.message << "\n  "
                      << context.subject << "\n  "
                      << (context.exception ? describe_exception(context.exception) : "");
    });
}

void leak_guard::check_loop(event_loop& loop) {
    const auto left = all_tasks(loop);
    if (does(check::tasks)) {
        for (const task_ref& task : left) {
            ADD_FAILURE() << "A task outlived the test:\n" << task.format_stack();
        }
    }
    if (!left.empty() || !does(check::operations)) return;
    let_operations_end(loop);
    EXPECT_EQ(loop_probe(loop).operations_in_flight(), 0U)
        << "The test left operations in flight that no task waits for";
}

void leak_guard::check_process() {
    if (does(check::descriptors)) {
        const auto now = list_descriptors();
        for (const auto& [number, target] : now) {
            if (descriptors_.contains(number)) continue;
            ADD_FAILURE() << "The test leaked descriptor " << number << " (" << target << ")";
        }
        for (const auto& [number, target] : descriptors_) {
            if (now.contains(number)) continue;
            ADD_FAILURE() << "The test closed descriptor " << number << " (" << target
                          << "), which it had not opened";
        }
        EXPECT_EQ(kernel::open_simulated(), simulated_descriptors_)
            << "The test leaked (or closed) simulated descriptors";
    }
    const std::lock_guard lock(mutex_);
    if (!does(check::never_awaited)) return;
    for (const std::string& definition : never_awaited_) {
        ADD_FAILURE() << "A coroutine was never awaited: " << definition;
    }
}

void leak_guard::on_never_awaited(const std::source_location& definition) noexcept {
    leak_guard* const guard = current();
    if (guard == nullptr) return;
    // A mocked call reports itself, with the line of its action.
    if (std::string_view(definition.file_name()).ends_with("tasks/testing/mock_coro.hpp")) return;
    const std::lock_guard lock(guard->mutex_);
    guard->never_awaited_.push_back(describe_definition(definition));
}

void report_unawaited_call(const std::source_location& action) noexcept {
    const leak_guard* const guard = leak_guard::current();
    if (guard != nullptr && !guard->does(check::never_awaited)) return;
    ADD_FAILURE_AT(action.file_name(), static_cast<int>(action.line()))
        << "A mocked coroutine was called, but never awaited";
}

}  // namespace kit
}  // namespace mayhem::testing
