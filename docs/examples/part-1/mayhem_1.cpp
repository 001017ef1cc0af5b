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

/// Stands in for a service elsewhere that publishes `n` messages.
void publish(message_queue& queue, int n) {
    for (int x = 1; x <= n; ++x) {
        const std::string host_id = random_id(4);
        pubsub_message msg{.instance_name = "cattle-" + host_id, .message_id = x};
        queue.push(msg);
        logging::info("Published {} of {} messages", x, n);
    }

    // nothing more will come
    queue.push(std::nullopt);
}

/// Takes what is published, as a subscribed client would.
void consume(message_queue& queue) {
    for (;;) {
        const std::optional<pubsub_message> msg = queue.front();
        queue.pop();

        if (!msg) break;  // nothing more will come

        logging::info("Consumed {}", *msg);
        // as long as some network might take
        time_sleep(random_seconds());
    }
}

int main(int argc, char** argv) {
    const stage setup(argc, argv);
    message_queue queue;
    publish(queue, setup.messages(5));
    consume(queue);
}
