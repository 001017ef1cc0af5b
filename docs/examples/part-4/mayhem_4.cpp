// Shutting the executor down without waiting for it. In Python that changes nothing, since the
// interpreter itself waits for the threads. Here it leaves them behind, with a warning, and the
// process ends in the middle of what they do. What they use must outlive `main`, so the queue and
// the executor are never freed.
#include "docs/examples/support/stage.hpp"
#include "docs/examples/support/thread_queue.hpp"
#include "tasks/mayhem.hpp"

using namespace mayhem;
using namespace mayhem::examples;
using namespace std::chrono_literals;

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

void consume_sync(message_queue& queue) {
    for (;;) {
        const pubsub_message msg = queue.get();
        logging::info("Consumed {}", msg);
        // substitute for handling a message
        time_sleep(random_seconds());
    }
}

coro<> publish(thread_pool_executor& executor, message_queue& queue) {
    logging::info("Starting publisher");
    create_task(run_in_executor(executor, publish_sync, std::ref(queue)));
    co_return;
}

coro<> consume(thread_pool_executor& executor, message_queue& queue) {
    logging::info("Starting consumer");
    create_task(run_in_executor(executor, consume_sync, std::ref(queue)));
    co_return;
}

// Cleans up when the service shuts down.
coro<> shutdown(event_loop& loop, thread_pool_executor& executor, std::optional<int> signal = {}) {
    if (signal) logging::info("Received exit signal {}...", signal_name(*signal));
    logging::info("Closing database connections");
    logging::info("Nacking outstanding messages");
    std::vector<task_ref> tasks = all_tasks();
    std::erase(tasks, current_task());

    for (task_ref& task : tasks) task.cancel();

    logging::info("Cancelling {} outstanding tasks", tasks.size());
    co_await gather(return_exceptions, tasks);

    logging::info("Shutting down executor");
    executor.shutdown(0s);  // waits for nobody

    logging::info("Flushing metrics");
    loop.stop();
}

int main(int argc, char** argv) {
    const stage setup(argc, argv);
    static auto& queue = *new message_queue;
    static auto& executor = *new thread_pool_executor;
    event_loop loop(setup.options().loop);
    for (const int s : {SIGHUP, SIGTERM, SIGINT, SIGQUIT}) {
        loop.add_signal_handler(s,
                                [&](int signal) { create_task(shutdown(loop, executor, signal)); });
    }

    const finally closing([&] {
        loop.close();
        logging::info("Successfully shutdown the Mayhem service.");
    });
    create_task(loop, publish(executor, queue));
    create_task(loop, consume(executor, queue));
    run_forever(loop);
}
