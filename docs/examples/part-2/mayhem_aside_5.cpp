// An aside: the same with signal handlers, and `async_main` would live for ever. It does not help:
// the shutdown cancels `async_main`, too.
#include <csignal>

#include "docs/examples/support/stage.hpp"
#include "tasks/gather.hpp"
#include "tasks/shield.hpp"
#include "tasks/sleep.hpp"

using namespace mayhem;
using namespace mayhem::examples;
using namespace std::chrono_literals;

coro<> cant_stop_me() {
    logging::info("Can't stop me...");
    for (int i = 0; i < 12; ++i) {
        logging::info("Sleeping for 5 seconds...");
        co_await sleep(5s);
    }
    logging::info("Done!");
}

coro<> parent_task() {
    logging::info("Kicking of shielded task");
    co_await shield(cant_stop_me());
    logging::info("Shielded task done");
}

coro<> async_main() {
    create_task(parent_task());
    for (;;) {
        co_await sleep(61s);
    }
}

coro<> shutdown(int signal, event_loop& loop) {
    logging::info("Received exit signal {}...", signal_name(signal));
    std::vector<task_ref> tasks = all_tasks();
    std::erase(tasks, current_task());

    for (task_ref& task : tasks) {
        // sparing the shielded work does not save it
        if (task.coro_name() == "cant_stop_me") continue;
        task.cancel();
    }

    logging::info("Cancelling outstanding tasks");
    co_await gather(return_exceptions, tasks);
    logging::info("Stopping loop");
    loop.stop();
}

int main(int argc, char** argv) try {
    const stage setup(argc, argv);
    event_loop loop(setup.options().loop);

    for (const int signal : {SIGHUP, SIGTERM, SIGINT}) {
        loop.add_signal_handler(signal, [&](int s) { create_task(shutdown(s, loop)); });
    }

    const finally closing([&] {
        logging::info("Successfully shutdown service");
        loop.close();
    });
    run_until_complete(loop, async_main());
} catch (const cancelled&) {
    logging::error("async_main was cancelled");
    return 1;
}
