// The last stage with a task group, asyncio's TaskGroup. What belongs together ends together: when
// one half of the work fails, the other is cancelled, both are over when the group is left, and the
// lease ends in one place. So a message that failed is neither extended for ever nor acked.
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
    // totally realistic exception
    if (should_fail("save", 4)) throw std::runtime_error(fmt::format("Could not save {}", msg));
    msg->saved = true;
    logging::info("Saved {} into database", msg);
}

// Extends the message's acknowledgement deadline from time to time, until it is cancelled.
coro<> extend(message msg) {
    for (;;) {
        msg->extended_cnt += 1;
        logging::info("Extended deadline by 3 seconds for {}", msg);
        // want to sleep for less than the deadline amount
        co_await sleep(2s);
    }
}

// Handles what went wrong with a given message.
void handle_results(const exception_group& failed, const message& msg) {
    if (failed.count<restart_failed>() > 0) {
        logging::error("Retrying for failure to restart: {}", msg->hostname);
    } else {
        logging::error("Handling general error: {}", failed.what());
    }
}

// Kicks off the tasks for a given message: all is done, or nothing is acked.
coro<> handle_message(message msg) {
    auto lease = create_task(extend(msg));
    const finally over([&] { lease.cancel(); });  // however this coroutine is left
    auto work = [msg](task_group& group) -> coro<> {
        group.create_task(save(msg));
        group.create_task(restart_host(msg));
        co_return;
    };
    try {
        co_await with_task_group(std::move(work));
        msg->acked = true;
        logging::info("Done. Acked {}", msg);
    } catch (const exception_group& failed) {
        handle_results(failed, msg);
        logging::error("Nacked {}", msg);
    }
}

// Simulates a client that subscribes to a publisher.
coro<> consume(message_queue& queue) {
    for (;;) {
        message msg = co_await queue.get();
        logging::info("Consumed {}", msg);
        create_task(handle_message(msg));
    }
}

coro<> shutdown(event_loop& loop, std::optional<int> signal = {});

void handle_exception(event_loop& loop, const exception_context& context) {
    // there is always a message, but not always an exception
    const auto& error = context.exception;
    logging::error("Caught exception: {}", error ? describe_exception(error) : context.message);
    logging::info("Shutting down...");
    create_task(shutdown(loop));
}

// Cleans up when the service shuts down.
coro<> shutdown(event_loop& loop, std::optional<int> signal) {
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

int main(int argc, char** argv) {
    const stage setup(argc, argv);
    event_loop loop(setup.options().loop);
    // may want to catch other signals too
    for (const int s : {SIGHUP, SIGTERM, SIGINT}) {
        loop.add_signal_handler(s, [&loop](int signal) { create_task(shutdown(loop, signal)); });
    }
    loop.set_exception_handler(handle_exception);
    message_queue queue;

    const finally closing([&] {
        loop.close();
        logging::info("Successfully shutdown the Mayhem service.");
    });
    create_task(loop, publish(queue));
    create_task(loop, consume(queue));
    run_forever(loop);
}
