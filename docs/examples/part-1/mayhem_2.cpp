// Concurrency for the publisher: it hands the put to a task of its own, and goes on at once.
#include "docs/examples/support/stage.hpp"
#include "tasks/sleep.hpp"
#include "tasks/sync/queue.hpp"

using namespace mayhem;
using namespace mayhem::examples;

struct pubsub_message {
    std::string instance_name;
    std::string message_id;
    std::string hostname = instance_name + ".example.net";

    std::string repr() const { return "PubSubMessage(instance_name='" + instance_name + "')"; }
};

using shared_message = std::shared_ptr<pubsub_message>;  // several tasks work on the same message
using message_queue = queue<shared_message>;

/// Stands in for a service elsewhere that publishes messages.
coro<> publish(message_queue& queue) {
    for (;;) {
        const std::string msg_id = uuid4();
        const std::string host_id = random_id(4);
        auto msg = std::make_shared<pubsub_message>("cattle-" + host_id, msg_id);
        create_task(queue.put(msg));
        logging::info("Published message {}", msg);
        // messages come when they like
        co_await sleep(random_seconds());
    }
}

int main(int argc, char** argv) {
    const stage setup(argc, argv);
    message_queue queue;
    event_loop loop(setup.options().loop);

    const finally closing([&] {
        loop.close();
        logging::info("Successfully shutdown the Mayhem service.");
    });
    try {
        create_task(loop, publish(queue));
        run_forever(loop);
    } catch (const interrupted&) {
        logging::info("Process interrupted");
    }
}
