// Saving and restarting do not depend on each other: both are tasks, and either may be done first.
#include "docs/examples/support/stage.hpp"
#include "tasks/sleep.hpp"
#include "tasks/sync/queue.hpp"

using namespace mayhem;
using namespace mayhem::examples;

struct pubsub_message {
    std::string instance_name;
    std::string message_id;
    std::string hostname = instance_name + ".example.net";
    bool restarted = false;
    bool saved = false;

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
        logging::debug("Published message {}", msg);
        // messages come when they like
        co_await sleep(random_seconds());
    }
}

/// Restarts the message's host.
coro<> restart_host(shared_message msg) {
    // as long as some network might take
    co_await sleep(random_seconds());
    logging::info("Restarted {}", msg->hostname);
}

/// Saves the message in a database.
coro<> save(shared_message msg) {
    // as long as some network might take
    co_await sleep(random_seconds());
    logging::info("Saved {} into database", msg);
}

/// Takes what is published, as a subscribed client would.
coro<> consume(message_queue& queue) {
    for (;;) {
        shared_message msg = co_await queue.get();
        logging::info("Consumed {}", msg);

        create_task(save(msg));
        create_task(restart_host(msg));
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
        create_task(loop, consume(queue));
        run_forever(loop);
    } catch (const interrupted&) {
        logging::info("Process interrupted");
    }
}
