// Several publishers at once. Their order in the log is that of their sleeps: none waits for
// another.
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
coro<> publish(message_queue& queue, int publisher_id) {
    for (;;) {
        const std::string msg_id = uuid4();
        const std::string host_id = random_id(4);
        auto msg = std::make_shared<pubsub_message>("cattle-" + host_id, msg_id);
        create_task(queue.put(msg));
        logging::info("[{}] Published message {}", publisher_id, msg);
        // messages come when they like
        co_await sleep(random_seconds());
    }
}

int main(int argc, char** argv) {
    const stage setup(argc, argv);
    message_queue queue;
    event_loop loop(setup.options().loop);

    std::vector<coro<>> coros;
    for (int i = 1; i < 4; ++i) coros.push_back(publish(queue, i));

    const finally closing([&] {
        loop.close();
        logging::info("Successfully shutdown the Mayhem service.");
    });
    try {
        for (auto& coro : coros) create_task(loop, std::move(coro));
        run_forever(loop);
    } catch (const interrupted&) {
        logging::info("Process interrupted");
    }
}
