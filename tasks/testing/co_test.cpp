#include "tasks/testing/co_test.hpp"

#include <cctype>
#include <fmt/format.h>
#include <string_view>

#include "loop/loop_probe.hpp"
#include "loop/sim_backend.hpp"
#include "tasks/exception_group.hpp"

namespace mayhem::testing {
namespace {

/// One CO_TEST on one backend, as GoogleTest wants it.
class co_test_case final : public ::testing::Test {
  public:
    co_test_case(backend_kind kind, std::function<coro<void>()> body)
        : kind_(kind), body_(std::move(body)) {}
    void TestBody() override { run_co_test(kind_, body_); }

  private:
    backend_kind kind_;
    std::function<coro<void>()> body_;
};

/// How to see a failure on the simulated kernel again; nothing for the others.
std::string seed_hint(backend_kind kind) {
    if (kind != backend_kind::sim) return {};
    return fmt::format(", MAYHEM_SEED={}", sim_faults(sim_options()).seed());
}

void give_up(event_loop& loop) {
    std::string stacks;
    for (const task_ref& task : all_tasks(loop)) stacks += "\n" + task.format_stack();
    ADD_FAILURE()
        << "The test lost its patience. While a thread or a child is at work, the virtual "
           "clock stands still (advance() moves it). The tasks are:"
        << stacks;
    loop.stop();
}

/// `"a b"` -> `a_b`: what may be part of a test's name.
std::string as_name(std::string_view value) {
    std::string name;
    for (const char letter : value) {
        if (std::isalnum(static_cast<unsigned char>(letter)) != 0) {
            name += letter;
        } else if (letter == '-') {
            name += "minus_";
        } else if (!name.empty() && name.back() != '_') {
            name += '_';
        }
    }
    if (!name.empty() && name.back() == '_') name.pop_back();
    return name;
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

void run_co_test(backend_kind kind, const std::function<coro<void>()>& body, duration patience) {
    SCOPED_TRACE("backend " + backend_label(kind) + seed_hint(kind));
    kit::leak_guard guard;
    {
        runner own(test_options(kind));
        guard.watch(own.loop());
        loop_probe(own.loop()).set_patience(patience, [&] { give_up(own.loop()); });
        try {
            own.run(body());
            guard.check_loop(own.loop());
        } catch (...) {
            ADD_FAILURE() << "The test ended with: "
                          << describe_exception(std::current_exception());
        }
        own.close();
    }
    guard.check_process();
}

std::vector<task_ref> other_tasks() {
    std::vector<task_ref> tasks = all_tasks();
    std::erase(tasks, current_task());
    return tasks;
}

std::string describe_current_exception() {
    try {
        throw;
    } catch (const cancelled&) {
        throw;
    } catch (...) {
        return describe_exception(std::current_exception());
    }
}

namespace kit {

std::vector<std::string> names_of_values(const std::string& values) {
    std::vector<std::string> names;
    std::string current;
    int depth = 0;
    char quote = 0;
    for (const char letter : values) {
        if (quote != 0) {
            if (letter == quote) quote = 0;
        } else if (letter == '"') {
            quote = letter;
        } else if (letter == '(' || letter == '{' || letter == '[') {
            ++depth;
        } else if (letter == ')' || letter == '}' || letter == ']') {
            --depth;
        } else if (letter == ',' && depth == 0) {
            names.push_back(as_name(current));
            current.clear();
            continue;
        }
        current += letter;
    }
    names.push_back(as_name(current));
    return names;
}

bool register_co_test(const char* suite, const std::string& name, const char* file, int line,
                      const std::function<coro<void>()>& body,
                      const std::vector<backend_kind>& backends) {
    for (const backend_kind kind : backends) {
        const std::string full_suite = fmt::format("{}/{}", suite, backend_label(kind));
        ::testing::RegisterTest(
            full_suite.c_str(), name.c_str(), nullptr, nullptr, file, line,
            [kind, body]() -> ::testing::Test* { return new co_test_case(kind, body); });
    }
    return true;
}

}  // namespace kit
}  // namespace mayhem::testing
