// Work that begins when other work is done, with a callback. A callback is a plain function and
// cannot await: to let it wait as the others do, one would write a coroutine, which a callback
// cannot start.
#include "docs/examples/support/stage.hpp"
#include "tasks/gather.hpp"
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
    bool acked = false;

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

/// A plain function, to be called back: here it cannot wait.
void cleanup(shared_message msg) {
    msg->acked = true;
    logging::info("Done. Acked {}", msg);
}

/// Starts whatever one message needs.
coro<> handle_message(shared_message msg) {
    auto g_future = gather(save(msg), restart_host(msg));

    // what a callback returns is not awaited: it must not be a coroutine
    g_future.add_done_callback([msg] { cleanup(msg); });
    co_await std::move(g_future);
}

/// Takes what is published, as a subscribed client would.
coro<> consume(message_queue& queue) {
    for (;;) {
        shared_message msg = co_await queue.get();
        logging::info("Consumed {}", msg);

        create_task(handle_message(msg));
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
