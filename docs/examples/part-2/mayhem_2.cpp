// The same, and the gather takes what the tasks have thrown for an answer. The service ends.
#include <csignal>

#include "docs/examples/support/stage.hpp"
#include "tasks/gather.hpp"
#include "tasks/sleep.hpp"
#include "tasks/sync/event.hpp"
#include "tasks/sync/queue.hpp"

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

using shared_message = std::shared_ptr<pubsub_message>;  // several tasks work on the same message
using message_queue = queue<shared_message>;

using shared_event = std::shared_ptr<event>;  // who waits for it may outlive who sets it

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
    msg->restarted = true;
    logging::info("Restarted {}", msg->hostname);
}

/// Saves the message in a database.
coro<> save(shared_message msg) {
    // as long as some network might take
    co_await sleep(random_seconds());
    msg->saved = true;
    logging::info("Saved {} into database", msg);
}

/// What remains to be done once the message is worked off.
coro<> cleanup(shared_message msg, shared_event event) {
    // holds up the rest of the coroutine until somebody sets the event
    co_await event->wait();
    // as long as some network might take
    co_await sleep(random_seconds());
    msg->acked = true;
    logging::info("Done. Acked {}", msg);
}

/// Extends the message's deadline again and again, until the event is set.
coro<> extend(shared_message msg, shared_event event) {
    while (!event->is_set()) {
        msg->extended_cnt += 1;
        logging::info("Extended deadline by 3 seconds for {}", msg);
        // shorter than the time that was won
        co_await sleep(2s);
    }
}

/// Starts whatever one message needs.
coro<> handle_message(shared_message msg) {
    auto done = std::make_shared<event>();
    create_task(extend(msg, done));
    create_task(cleanup(msg, done));

    co_await gather(save(msg), restart_host(msg));
    done->set();
}

/// Takes what is published, as a subscribed client would.
coro<> consume(message_queue& queue) {
    for (;;) {
        shared_message msg = co_await queue.get();
        logging::info("Consumed {}", msg);
        create_task(handle_message(msg));
    }
}

/// Cleans up what the service's end leaves to be done.
coro<> shutdown(int signal, event_loop& loop) {
    logging::info("Received exit signal {}...", signal_name(signal));
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
    // A service may care for other signals, too.
    for (const int signal : {SIGHUP, SIGTERM, SIGINT}) {
        loop.add_signal_handler(signal, [&](int s) { create_task(shutdown(s, loop)); });
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
