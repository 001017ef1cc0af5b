// A service runs until it is told to stop: `run_forever`. Publisher and consumer are tasks now, and
// take turns. But the lines after `run_forever` are never reached: Ctrl-C is an exception that
// nobody catches.
#include "docs/examples/support/stage.hpp"
#include "tasks/sleep.hpp"
#include "tasks/sync/queue.hpp"

using namespace mayhem;
using namespace mayhem::examples;

struct pubsub_message {
    std::string instance_name;
    int message_id;
    std::string hostname = instance_name + ".example.net";

    std::string repr() const { return "PubSubMessage(instance_name='" + instance_name + "')"; }
};

using message_queue = queue<std::optional<pubsub_message>>;

// stands in for a service elsewhere that publishes events
coro<> publish(message_queue& queue, int n) {
    for (int x = 1; x <= n; ++x) {
        const std::string host_id = random_id(4);
        pubsub_message msg{.instance_name = "cattle-" + host_id, .message_id = x};
        co_await queue.put(msg);
        logging::info("Published {} of {} messages", x, n);
    }

    co_await queue.put(std::nullopt);  // nothing more will come
}

coro<> consume(message_queue& queue) {
    for (;;) {
        const std::optional<pubsub_message> msg = co_await queue.get();
        if (!msg) break;  // nothing more will come

        logging::info("Consumed {}", *msg);
        // as long as some network might take
        co_await sleep(random_seconds());
    }
}

int main(int argc, char** argv) {
    const stage setup(argc, argv);
    message_queue queue;
    event_loop loop(setup.options().loop);
    create_task(loop, publish(queue, setup.messages(5)));
    create_task(loop, consume(queue));
    run_forever(loop);
    loop.close();
    logging::info("Successfully shutdown the Mayhem service.");
}
