#include "tasks/testing/co_test.hpp"

#include <dirent.h>
#include <fmt/format.h>

#include "loop/kernel.hpp"
#include "loop/sim_backend.hpp"
#include "tasks/coro/runtime.hpp"
#include "tasks/exception_group.hpp"

namespace mayhem::testing {
namespace {

/// One CO_TEST on one backend, as GoogleTest wants it.
class co_test_case final : public ::testing::Test {
  public:
    co_test_case(backend_kind kind, coro<void> (*body)()) : kind_(kind), body_(body) {}
    void TestBody() override { run_co_test(kind_, body_); }

  private:
    backend_kind kind_;
    coro<void> (*body_)();
};

/// How to see a failure on the simulated kernel again; nothing for the others.
std::string seed_hint(backend_kind kind) {
    if (kind != backend_kind::sim) return {};
    return fmt::format(", MAYHEM_SEED={}", sim_faults(sim_options()).seed());
}

void expect_no_pending_tasks(event_loop& loop) {
    for (const task_ref& task : all_tasks(loop)) {
        ADD_FAILURE() << "A task outlived the test:\n" << task.format_stack();
    }
}

}  // namespace

const std::vector<backend_kind>& real_backends() {
    static const std::vector<backend_kind> found = [] {
        std::vector<backend_kind> kinds{backend_kind::epoll};
        try {
            loop_options options;
            options.backend = backend_kind::uring;
            const event_loop probe(options);
            kinds.insert(kinds.begin(), backend_kind::uring);
        } catch (const std::system_error& refused) {
            fmt::print("io_uring is refused here ({}): only epoll and sim are tested\n",
                       refused.what());
        }
        return kinds;
    }();
    return found;
}

const std::vector<backend_kind>& available_backends() {
    static const std::vector<backend_kind> found = [] {
        std::vector<backend_kind> kinds = real_backends();
        kinds.push_back(backend_kind::sim);
        return kinds;
    }();
    return found;
}

std::string backend_label(backend_kind kind) {
    switch (kind) {
        case backend_kind::uring:
            return "uring";
        case backend_kind::epoll:
            return "epoll";
        case backend_kind::sim:
            return "sim";
        case backend_kind::automatic:
            break;
    }
    return "automatic";
}

void for_each_backend(const std::function<void(backend_kind)>& body) {
    std::string served;
    for (const backend_kind kind : available_backends()) {
        SCOPED_TRACE("backend " + backend_label(kind) + seed_hint(kind));
        body(kind);
        served += backend_label(kind) + " ";
    }
    ::testing::Test::RecordProperty("backends", served);  // for who reads the results
}

void for_each_real_backend(const char* reason, const std::function<void(backend_kind)>& body) {
    std::string served;
    for (const backend_kind kind : real_backends()) {
        SCOPED_TRACE("backend " + backend_label(kind) + ", not sim: " + reason);
        body(kind);
        served += backend_label(kind) + " ";
    }
    ::testing::Test::RecordProperty("backends", served);
}

run_options test_options(backend_kind kind) {
    run_options options;
    options.loop.backend = kind;
    options.loop.virtual_clock = true;
    options.handle_interrupt = false;
    return options;
}

void run_co_test(backend_kind kind, const std::function<coro<void>()>& body) {
    const std::size_t descriptors = open_descriptors();
    SCOPED_TRACE("backend " + backend_label(kind) + seed_hint(kind));
    {
        runner own(test_options(kind));
        own.loop().set_exception_handler([](event_loop&, const exception_context& context) {
            ADD_FAILURE() << "The exception handler was called: " << context.message << "\n  "
                          << context.subject << "\n  "
                          << (context.exception ? describe_exception(context.exception) : "");
        });
        try {
            own.run(body());
            expect_no_pending_tasks(own.loop());
        } catch (...) {
            ADD_FAILURE() << "The test ended with: "
                          << describe_exception(std::current_exception());
        }
        own.close();
    }
    EXPECT_EQ(open_descriptors(), descriptors) << "The test leaked (or closed) descriptors";
}

std::size_t open_descriptors() {
    DIR* folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) return 0;
    std::size_t count = 0;
    while (const dirent* entry = ::readdir(folder)) {
        if (entry->d_name[0] != '.') ++count;
    }
    ::closedir(folder);
    return count - 1 + kernel::open_simulated();  // without the folder's own
}

bool register_co_test(const char* suite, const char* name, const char* file, int line,
                      coro<void> (*body)(), const std::vector<backend_kind>& backends) {
    for (const backend_kind kind : backends) {
        const std::string full_suite = fmt::format("{}/{}", suite, backend_label(kind));
        ::testing::RegisterTest(
            full_suite.c_str(), name, nullptr, nullptr, file, line,
            [kind, body]() -> ::testing::Test* { return new co_test_case(kind, body); });
    }
    return true;
}

}  // namespace mayhem::testing
