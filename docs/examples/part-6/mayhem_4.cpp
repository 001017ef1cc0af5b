// The same in production, without the cost of debug mode: only slow steps are logged, from 50 ms
// on.
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

coro<> publish(message_queue& queue) {
    for (;;) {
        const std::string msg_id = uuid4();
        const std::string host_id = random_id(4);
        auto msg = std::make_shared<pubsub_message>("cattle-" + host_id, msg_id);
        logging::debug("Published message {}", msg);
        create_task(queue.put(msg));
        co_await sleep(random_seconds());
    }
}

coro<> restart_host(message msg) {
    co_await sleep(random_seconds());
    if (should_fail("restart", 4)) {
        throw restart_failed("Could not restart " + msg->hostname);
    }
    msg->restarted = true;
    logging::info("Restarted {}", msg->hostname);
}

coro<> save(message msg) {
    // blocks the loop, and everybody with it: this is what the loop is to find
    time_sleep(1s + random_seconds());
    msg->saved = true;
    logging::info("Saved {} into database", msg);
    co_return;
}

coro<> cleanup(message msg, std::shared_ptr<event> done) {
    co_await done->wait();
    co_await sleep(random_seconds());
    msg->acked = true;
    logging::info("Done. Acked {}", msg);
}

coro<> extend(message msg, std::shared_ptr<event> done) {
    while (!done->is_set()) {
        msg->extended_cnt += 1;
        logging::info("Extended deadline by 3 seconds for {}", msg);
        co_await sleep(2s);
    }
}

coro<> handle_message(message msg) {
    auto done = std::make_shared<event>();
    create_task(extend(msg, done));
    create_task(cleanup(msg, done));

    // without return_exceptions, so that there is something to debug
    co_await gather(save(msg), restart_host(msg));
    done->set();
}

coro<> consume(message_queue& queue) {
    for (;;) {
        message msg = co_await queue.get();
        logging::info("Pulled {}", msg);
        create_task(handle_message(msg));
    }
}

coro<> shutdown(event_loop& loop, std::optional<int> signal = {});

void handle_exception(event_loop& loop, const exception_context& context) {
    const auto& error = context.exception;
    logging::error("Caught exception: {}", error ? describe_exception(error) : context.message);
    logging::info("Shutting down...");
    create_task(shutdown(loop));
}

coro<> shutdown(event_loop& loop, std::optional<int> signal) {
    if (signal) logging::info("Received exit signal {}...", signal_name(*signal));
    logging::info("Closing database connections");
    logging::info("Nacking outstanding messages");
    std::vector<task_ref> tasks = all_tasks();
    std::erase(tasks, current_task());

    for (task_ref& task : tasks) task.cancel();

    logging::info("Cancelling outstanding tasks");
    co_await gather(return_exceptions, tasks);
    logging::info("Flushing metrics");
    loop.stop();
}

int main(int argc, char** argv) {
    const stage setup(argc, argv);
    set_log_level(log_level::debug);
    event_loop loop(setup.options().loop);
    loop.log_slow_callbacks(50ms);

    for (const int s : {SIGHUP, SIGTERM, SIGINT}) {
        loop.add_signal_handler(s, [&loop](int signal) { create_task(shutdown(loop, signal)); });
    }
    message_queue queue;

    const finally closing([&] {
        loop.close();
        logging::info("Successfully shutdown the Mayhem service.");
    });
    create_task(loop, publish(queue));
    create_task(loop, consume(queue));
    run_forever(loop);
}
