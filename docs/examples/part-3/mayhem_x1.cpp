// A wrapper instead of a handler on the loop: each coroutine of the service is awaited by one that
// catches what it throws. It sees nothing of what the tasks throw that these coroutines start: a
// host that cannot be restarted is still "never retrieved", and the lease of its message never
// ends. (Being cancelled is no std::exception, so a shutdown is not mistaken for an error.)
#include "docs/examples/support/stage.hpp"
#include "tasks/mayhem.hpp"

using namespace mayhem;
using namespace mayhem::examples;
using namespace std::chrono_literals;

struct pubsub_message {
    std::string instance_name;
    std::string message_id;
    std::string hostname = instance_name + ".example.net";
    bool restarted = false;
    bool saved = false;
    bool acked = false;
    int extended_cnt = 0;

    std::string repr() const { return "PubSubMessage(instance_name='" + instance_name + "')"; }
};

using message = std::shared_ptr<pubsub_message>;
using message_queue = queue<message>;

struct restart_failed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Simulates an external publisher of messages.
coro<> publish(message_queue& queue) {
    for (;;) {
        const std::string msg_id = uuid4();
        const std::string host_id = random_id(4);
        auto msg = std::make_shared<pubsub_message>("cattle-" + host_id, msg_id);
        // publish an item
        create_task(queue.put(msg));
        logging::debug("Published message {}", msg);
        // simulate randomness of publishing messages
        co_await sleep(random_seconds());
    }
}

// Restarts a given host.
coro<> restart_host(message msg) {
    // unhelpful simulation of i/o work
    co_await sleep(random_seconds());
    // totally realistic exception
    if (should_fail("restart", 4)) {
        throw restart_failed("Could not restart " + msg->hostname);
    }
    msg->restarted = true;
    logging::info("Restarted {}", msg->hostname);
}

// Saves a message to a database.
coro<> save(message msg) {
    // unhelpful simulation of i/o work
    co_await sleep(random_seconds());
    msg->saved = true;
    logging::info("Saved {} into database", msg);
}

// Completes the work on a message.
coro<> cleanup(message msg, std::shared_ptr<event> done) {
    // the rest of the coroutine waits until `done->set()` is called
    co_await done->wait();
    // unhelpful simulation of i/o work
    co_await sleep(random_seconds());
    msg->acked = true;
    logging::info("Done. Acked {}", msg);
}

// Extends the message's acknowledgement deadline from time to time, until it is done.
coro<> extend(message msg, std::shared_ptr<event> done) {
    while (!done->is_set()) {
        msg->extended_cnt += 1;
        logging::info("Extended deadline by 3 seconds for {}", msg);
        // want to sleep for less than the deadline amount
        co_await sleep(2s);
    }
}

// Kicks off the tasks for a given message.
coro<> handle_message(message msg) {
    auto done = std::make_shared<event>();
    create_task(extend(msg, done));
    create_task(cleanup(msg, done));

    co_await gather(save(msg), restart_host(msg));
    done->set();
}

// Simulates a client that subscribes to a publisher.
coro<> consume(message_queue& queue) {
    for (;;) {
        message msg = co_await queue.get();
        // totally realistic exception
        if (should_fail("consume", 4)) {
            throw std::runtime_error(fmt::format("Could not consume {}", msg));
        }
        logging::info("Consumed {}", msg);
        create_task(handle_message(msg));
    }
}

// Cleans up when the service shuts down.
coro<> shutdown(event_loop& loop, std::optional<int> signal = {}) {
    if (signal) logging::info("Received exit signal {}...", signal_name(*signal));
    logging::info("Closing database connections");
    logging::info("Nacking outstanding messages");
    std::vector<task_ref> tasks = all_tasks();
    std::erase(tasks, current_task());

    for (task_ref& task : tasks) task.cancel();

    logging::info("Cancelling {} outstanding tasks", tasks.size());
    co_await gather(return_exceptions, tasks);
    logging::info("Flushing metrics");
    loop.stop();
}

// Wraps what the service is made of: an error that leaves it shuts the service down.
coro<> handle_exception(coro<> body, event_loop& loop) {
    try {
        co_await std::move(body);
    } catch (const std::exception& error) {
        logging::error("Caught exception: {}", error.what());
        create_task(shutdown(loop));
    }
}

int main(int argc, char** argv) {
    const stage setup(argc, argv);
    event_loop loop(setup.options().loop);
    // may want to catch other signals too
    for (const int s : {SIGHUP, SIGTERM, SIGINT}) {
        loop.add_signal_handler(s, [&loop](int signal) { create_task(shutdown(loop, signal)); });
    }
    message_queue queue;

    const finally closing([&] {
        loop.close();
        logging::info("Successfully shutdown the Mayhem service.");
    });
    create_task(loop, handle_exception(publish(queue), loop));
    create_task(loop, handle_exception(consume(queue), loop));
    run_forever(loop);
}
