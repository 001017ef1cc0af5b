// An aside: whoever has the shield can cancel it. What is cancelled is the wait, not the work; but
// the wait is all that `async_main` does.
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

coro<> imma_let_you_speak(auto task_to_cancel) {
    co_await sleep(2s);
    logging::info("interrupting {}", task_to_cancel.describe());
    task_to_cancel.cancel();
}

coro<> async_main() {
    auto shielded = shield(cant_stop_me());
    auto cancel_coro = imma_let_you_speak(shielded);
    co_await gather(shielded, std::move(cancel_coro));
}

int main(int argc, char** argv) {
    const stage setup(argc, argv);
    run(async_main(), setup.options());
}
