// Thread-safe: `run_coroutine_threadsafe` hands the coroutine over and wakes the loop.
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
    bool restarted = false;
    bool saved = false;
    bool acked = false;
    int extended_cnt = 0;

    std::string repr() const { return "PubSubMessage(instance_name='" + instance_name + "')"; }
};

using message = std::shared_ptr<pubsub_message>;
using message_queue = thread_queue<message>;

struct restart_failed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Simulates an external publisher of messages, on a thread of its own.
void publish_sync(message_queue& queue) {
    for (;;) {
        const std::string msg_id = uuid4();
        const std::string host_id = random_id(4);
        auto msg = std::make_shared<pubsub_message>("cattle-" + host_id, msg_id);
        // publish an item
        queue.put(msg);
        logging::info("Published {}", msg);
        // simulate randomness of publishing messages
        time_sleep(random_seconds());
    }
}

coro<> publish(thread_pool_executor& executor, message_queue& queue) {
    logging::info("Starting publisher");
    create_task(run_in_executor(executor, publish_sync, std::ref(queue)));
    co_return;
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

// Handles what went wrong with a given message.
void handle_results(const std::vector<result<void>>& results, const message& msg) {
    for (const auto& result : results) {
        if (result.failed_with<restart_failed>()) {
            logging::error("Retrying for failure to restart: {}", msg->hostname);
        } else if (const auto* error = result.failed_with<std::exception>()) {
            logging::error("Handling general error: {}", error->what());
        }
    }
}

// Kicks off the tasks for a given message.
coro<> handle_message(message msg) {
    auto done = std::make_shared<event>();
    create_task(extend(msg, done));
    create_task(cleanup(msg, done));

    auto [saved, restarted] = co_await gather(return_exceptions, save(msg), restart_host(msg));
    handle_results({saved, restarted}, msg);
    done->set();
}

void consume_sync(message_queue& queue, event_loop& loop) {
    for (;;) {
        message msg = queue.get();
        logging::info("Consumed {}", msg);
        run_coroutine_threadsafe(handle_message(msg), loop);
    }
}

coro<> consume(thread_pool_executor& executor, message_queue& queue) {
    logging::info("Starting consumer");
    event_loop& loop = get_running_loop();
    create_task(run_in_executor(executor, consume_sync, std::ref(queue), std::ref(loop)));
    co_return;
}

coro<> shutdown(event_loop& loop, thread_pool_executor& executor, message_queue& queue,
                std::optional<int> signal = {});

void handle_exception(thread_pool_executor& executor, message_queue& queue, event_loop& loop,
                      const exception_context& context) {
    // there is always a message, but not always an exception
    const auto& error = context.exception;
    logging::error("Caught exception: {}", error ? describe_exception(error) : context.message);
    logging::info("Shutting down...");
    create_task(shutdown(loop, executor, queue));
}

// Cleans up when the service shuts down.
coro<> shutdown(event_loop& loop, thread_pool_executor& executor, message_queue& queue,
                std::optional<int> signal) {
    if (signal) logging::info("Received exit signal {}...", signal_name(*signal));
    logging::info("Closing database connections");
    logging::info("Nacking outstanding messages");
    std::vector<task_ref> tasks = all_tasks();
    std::erase(tasks, current_task());

    for (task_ref& task : tasks) task.cancel();

    logging::info("Cancelling {} outstanding tasks", tasks.size());
    co_await gather(return_exceptions, tasks);

    logging::info("Shutting down ThreadPoolExecutor");
    logging::info("Releasing {} threads from executor", executor.threads());
    queue.shutdown();  // put and get throw from now on, and the threads end
    executor.shutdown();

    logging::info("Flushing metrics");
    loop.stop();
}

int main(int argc, char** argv) {
    const stage setup(argc, argv);
    set_log_level(log_level::debug);
    message_queue queue;
    thread_pool_executor executor;
    event_loop loop(setup.options().loop);
    for (const int s : {SIGHUP, SIGTERM, SIGINT, SIGQUIT}) {
        loop.add_signal_handler(
            s, [&](int signal) { create_task(shutdown(loop, executor, queue, signal)); });
    }
    loop.set_exception_handler(
        std::bind_front(handle_exception, std::ref(executor), std::ref(queue)));

    const finally closing([&] {
        loop.close();
        logging::info("Successfully shutdown the Mayhem service.");
    });
    create_task(loop, publish(executor, queue));
    create_task(loop, consume(executor, queue));
    run_forever(loop);
}
