// Synchronous code in an asynchronous service: what blocks, blocks a thread of an executor, and the
// loop is free. There is one publisher and one consumer, though, and a message is consumed only
// when the one before has been dealt with.
#include "docs/examples/support/stage.hpp"
#include "docs/examples/support/thread_queue.hpp"
#include "tasks/mayhem.hpp"

using namespace mayhem;
using namespace mayhem::examples;

struct pubsub_message {
    std::string instance_name;
    std::string message_id;
    std::string hostname = instance_name + ".example.net";

    std::string repr() const { return "PubSubMessage(instance_name='" + instance_name + "')"; }
};

using message_queue = thread_queue<pubsub_message>;

// Simulates an external publisher of messages, on a thread of its own.
void publish_sync(message_queue& queue) {
    for (;;) {
        const std::string msg_id = uuid4();
        const std::string host_id = random_id(4);
        const pubsub_message msg{.instance_name = "cattle-" + host_id, .message_id = msg_id};
        // publish an item
        queue.put(msg);
        logging::info("Published {}", msg);
        // simulate randomness of publishing messages
        time_sleep(random_seconds());
    }
}

coro<> publish(thread_pool_executor& executor, message_queue& queue) {
    logging::info("Starting publisher");
    co_await run_in_executor(executor, publish_sync, std::ref(queue));
}

void consume_sync(message_queue& queue) {
    for (;;) {
        const pubsub_message msg = queue.get();
        logging::info("Consumed {}", msg);
        // substitute for handling a message
        time_sleep(random_seconds());
    }
}

coro<> consume(thread_pool_executor& executor, message_queue& queue) {
    logging::info("Starting consumer");
    co_await run_in_executor(executor, consume_sync, std::ref(queue));
}

int main(int argc, char** argv) {
    const stage setup(argc, argv);
    message_queue queue;
    thread_pool_executor executor;
    event_loop loop(setup.options().loop);

    const finally closing([&] {
        loop.close();
        logging::info("Successfully shutdown the Mayhem service.");
    });
    create_task(loop, publish(executor, queue));
    create_task(loop, consume(executor, queue));
    run_forever(loop);
}
