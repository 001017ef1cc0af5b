// An aside: what `shield` does without signal handlers. Ctrl-C cancels `async_main`, and `run` ends
// with it. Python kills the shielded work then; here it has ten seconds more to come to its end.
#include "docs/examples/support/stage.hpp"
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

coro<> async_main() { co_await shield(cant_stop_me()); }

int main(int argc, char** argv) {
    const stage setup(argc, argv);
    run(async_main(), setup.options());
}
