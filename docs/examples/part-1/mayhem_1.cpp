// The synchronous twin of part-0/mayhem_4, for comparison: with the same seed it logs the same, at
// the same times. Coroutines alone have made nothing concurrent.
#include <queue>

#include "docs/examples/support/stage.hpp"

using namespace mayhem::examples;

struct pubsub_message {
    std::string instance_name;
    int message_id;
    std::string hostname = instance_name + ".example.net";

    std::string repr() const { return "PubSubMessage(instance_name='" + instance_name + "')"; }
};

using message_queue = std::queue<std::optional<pubsub_message>>;

/// Simulates an external publisher of `n` messages.
void publish(message_queue& queue, int n) {
    for (int x = 1; x <= n; ++x) {
        const std::string host_id = random_id(4);
        pubsub_message msg{.instance_name = "cattle-" + host_id, .message_id = x};
        // publish an item
        queue.push(msg);
        logging::info("Published {} of {} messages", x, n);
    }

    // indicate the publisher is done
    queue.push(std::nullopt);
}

/// Simulates a client that subscribes to a publisher.
void consume(message_queue& queue) {
    for (;;) {
        // take an item of the publisher
        const std::optional<pubsub_message> msg = queue.front();
        queue.pop();

        // the publisher emits nothing to indicate that it is done
        if (!msg) break;

        // process the msg
        logging::info("Consumed {}", *msg);
        // simulate i/o operation using sleep
        time_sleep(random_seconds());
    }
}

int main(int argc, char** argv) {
    const stage setup(argc, argv);
    message_queue queue;
    publish(queue, setup.messages(5));
    consume(queue);
}
