#include "docs/examples/part-5/mayhem.hpp"

#include <csignal>
#include <fmt/format.h>
#include <random>

using namespace std::chrono_literals;

namespace mayhem::examples {
namespace {

std::mt19937_64 generator(std::random_device{}());

std::string repr(const message& msg) {
    return "PubSubMessage(instance_name='" + msg->instance_name + "')";
}

}  // namespace

coro<> service::publish(message_queue& queue) {
    for (;;) {
        const std::string msg_id = uuid4();
        const std::string instance_name = "cattle-" + choices(4);
        auto msg = std::make_shared<pubsub_message>(msg_id, instance_name);
        create_task(queue.put(msg));
        log(log_level::debug, "Published message {}", repr(msg));
        co_await sleep(random() * 1s);
    }
}

coro<> service::restart_host(message msg) {
    co_await sleep(random() * 1s);
    if (randrange(1, 5) == 3) throw restart_failed("Could not restart " + msg->hostname);
    msg->restarted = true;
    log(log_level::info, "Restarted {}", msg->hostname);
}

coro<> service::save(message msg) {
    co_await sleep(random() * 1s);
    msg->saved = true;
    log(log_level::info, "Saved {} into database", repr(msg));
}

coro<> service::cleanup(message msg, shared_event done) {
    co_await done->wait();
    co_await sleep(random() * 1s);
    msg->acked = true;
    log(log_level::info, "Done. Acked {}", repr(msg));
}

coro<> service::extend(message msg, shared_event done) {
    while (!done->is_set()) {
        ++msg->extended_count;
        log(log_level::info, "Extended deadline by 3 seconds for {}", repr(msg));
        co_await sleep(2s);
    }
}

void service::handle_results(const results& outcomes, const message& msg) {
    for (const std::exception_ptr& error : outcomes) {
        try {
            if (error) std::rethrow_exception(error);
        } catch (const restart_failed&) {
            log(log_level::error, "Retrying for failure to restart: {}", msg->hostname);
        } catch (const std::exception& other) {
            log(log_level::error, "Handling general error: {}", other.what());
        }
    }
}

coro<> service::handle_message(message msg) {
    auto done = std::make_shared<event>();
    create_task(extend(msg, done));
    create_task(cleanup(msg, done));
    auto [saved, restarted] = co_await gather(return_exceptions, save(msg), restart_host(msg));
    handle_results({saved.exception(), restarted.exception()}, msg);
    done->set();
}

coro<> service::consume(message_queue& queue) {
    for (;;) {
        message msg = co_await queue.get();
        log(log_level::info, "Pulled {}", repr(msg));
        create_task(handle_message(msg));
    }
}

void service::handle_exception(event_loop& loop, const exception_context& context) {
    log(log_level::error, "Caught exception: {}",
        context.exception ? describe_exception(context.exception) : context.message);
    log(log_level::info, "Shutting down...");
    create_task(shutdown(loop));
}

coro<> service::shutdown(event_loop& loop, int signal_number) {
    if (signal_number != 0) {
        log(log_level::info, "Received exit signal {}...", signal_name(signal_number));
    }
    log(log_level::info, "Closing database connections");
    log(log_level::info, "Nacking outstanding messages");
    std::vector<task_ref> tasks = all_tasks();
    std::erase(tasks, current_task());
    for (task_ref& task : tasks) task.cancel();
    log(log_level::info, "Cancelling outstanding tasks");
    co_await gather(return_exceptions, tasks);
    log(log_level::info, "Flushing metrics");
    loop.stop();
}

void service::main(event_loop& loop) {
    for (const int number : {SIGHUP, SIGTERM, SIGINT}) {
        loop.add_signal_handler(number, [&](int s) { create_task(shutdown(loop, s)); });
    }
    loop.set_exception_handler([this](auto&&... told) { handle_exception(told...); });
    message_queue queue;
    create_task(loop, publish(queue));
    create_task(loop, consume(queue));
    loop.run_forever();
    loop.close();
    log(log_level::info, "Successfully shutdown the Mayhem service.");
}

double service::random() { return std::uniform_real_distribution<>(0, 1)(generator); }

int service::randrange(int first, int last) {
    return std::uniform_int_distribution<>(first, last - 1)(generator);
}

std::string service::choices(int count) {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    std::string chosen;
    for (; count > 0; --count) chosen += letters[std::size_t(randrange(0, int(letters.size())))];
    return chosen;
}

std::string service::uuid4() { return fmt::format("{:016x}{:016x}", generator(), generator()); }

}  // namespace mayhem::examples
