// An aside: how to shield properly. The parent is cancelled, the work is not, and `async_main`
// lives long enough for it.
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

coro<> imma_let_you_speak(task<> task_to_cancel) {
    co_await sleep(2s);
    logging::info("Interrupting {}", task_to_cancel.describe());
    task_to_cancel.cancel();
}

coro<> wrapper() {
    task<> parent_coro = create_task(parent_task());
    auto cancel_coro = imma_let_you_speak(parent_coro);
    co_await gather(parent_coro, std::move(cancel_coro));
}

coro<> async_main() {
    create_task(wrapper());
    co_await sleep(61s);
}

int main(int argc, char** argv) {
    const stage setup(argc, argv);
    run(async_main(), setup.options());
}
