#include "mandrill/service/broker.hpp"

#include <utility>

namespace mandrill {

// These are plain functions that return a coroutine: a capturing lambda inside a co_await
// expression is destroyed twice by g++ 12, and here there is no such expression.

mayhem::coro<bool> broker::publish(request wish) {
    auto operation = [wish = std::move(wish), now = now()](message_store& store) {
        return store.publish(wish, now);
    };
    const bool accepted = co_await db_.run(std::move(operation));
    if (accepted) something_to_pull_.set();
    co_return accepted;
}

mayhem::coro<std::vector<delivery>> broker::pull(std::size_t max, std::chrono::milliseconds lease) {
    return db_.run([max, lease = lease.count(), now = now()](message_store& store) {
        return store.pull(max, now, lease);
    });
}

mayhem::coro<std::optional<std::chrono::milliseconds>> broker::next_due() {
    return db_.run([now = now()](message_store& store) {
        std::optional<std::chrono::milliseconds> wait;
        if (const auto due = store.next_due()) wait = std::chrono::milliseconds(*due - now);
        return wait;
    });
}

mayhem::coro<int> broker::expire_leases() {
    return db_.run([now = now()](message_store& store) { return store.expire_leases(now); });
}

mayhem::coro<int> broker::forget_old() {
    constexpr epoch_ms week = 7LL * 24 * 60 * 60 * 1000;
    return db_.run([before = now() - week](message_store& store) { return store.purge(before); });
}

mayhem::coro<effect> broker::extend(lease_token token, epoch_ms until) {
    return db_.run([token, until](message_store& store) { return store.extend(token, until); });
}

mayhem::coro<effect> broker::ack(lease_token token) {
    return db_.run([token, now = now()](message_store& store) { return store.ack(token, now); });
}

mayhem::coro<effect> broker::nack(lease_token token, std::chrono::milliseconds delay,
                                  std::string reason) {
    return db_.run([token, now = now(), delay = delay.count(),
                    reason = std::move(reason)](message_store& store) {
        return store.nack(token, now, now + delay, reason);
    });
}

mayhem::coro<effect> broker::save(lease_token token) {
    return db_.run([token, now = now()](message_store& store) { return store.save(token, now); });
}

mayhem::coro<effect> broker::intend(lease_token token, std::string boot_id_before) {
    return db_.run([token, now = now(), before = std::move(boot_id_before)](message_store& store) {
        return store.intend(token, before, now);
    });
}

mayhem::coro<effect> broker::done(lease_token token, std::string boot_id_after) {
    return db_.run([token, now = now(), after = std::move(boot_id_after)](message_store& store) {
        return store.done(token, after, now);
    });
}

mayhem::coro<failure> broker::fail(lease_token token, std::string reason,
                                   std::chrono::milliseconds delay) {
    return db_.run([token, now = now(), delay = delay.count(),
                    reason = std::move(reason)](message_store& store) {
        return store.fail(token, reason, now, now + delay);
    });
}

mayhem::coro<summary> broker::summarize(epoch_ms since) {
    return db_.run([since](message_store& store) { return store.reader().summarize(since); });
}

mayhem::coro<std::vector<problem>> broker::problems() {
    return db_.run([](message_store& store) { return store.reader().problems(); });
}

mayhem::coro<std::vector<message_status>> broker::dead_letters() {
    return db_.run([](message_store& store) { return store.reader().dead_letters(); });
}

}  // namespace mandrill
