#include "mandrill/service/database.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <span>
#include <stdexcept>

namespace mandrill {

namespace {

/// The most operations in one commit: a bound on how long the first of them waits.
constexpr std::size_t batch_max = 512;

}  // namespace

database::database() = default;

database::~database() {
    MAYHEM_CHECK(!writer_ || writer_.done(), "the database was destroyed without close()");
}

mayhem::coro<std::unique_ptr<database>> database::open(store_options options) {
    std::unique_ptr<database> opened(new database);
    auto open_store = [options = std::move(options)] {
        return std::make_unique<message_store>(options);
    };
    opened->store_ = co_await mayhem::run_in_executor(opened->thread_, open_store);
    opened->writer_ = mayhem::create_task(opened->write_batches(), "database writer");
    // The consumers' last acks and nacks are committed while the rest of the loop shuts down.
    opened->writer_.state()->protect();
    co_return opened;
}

void database::enqueue(std::unique_ptr<job> queued) {
    if (closing_) throw std::logic_error("the database is closed");
    queued_.push_back(std::move(queued));
    changed_.set();
}

mayhem::coro<void> database::write_batches() {
    for (;;) {
        co_await changed_.wait();
        changed_.clear();
        while (!queued_.empty()) {
            auto jobs = std::make_shared<batch>();
            const std::size_t count = std::min(queued_.size(), batch_max);
            const auto end = queued_.begin() + static_cast<std::ptrdiff_t>(count);
            jobs->assign(std::move_iterator(queued_.begin()), std::move_iterator(end));
            queued_.erase(queued_.begin(), end);
            co_await commit(std::move(jobs));
        }
        if (closing_) co_return;
    }
}

mayhem::coro<void> database::commit(std::shared_ptr<batch> jobs) {
    std::vector<std::exception_ptr> errors;
    try {
        // The thread shares the jobs: it may still be at work when this wait is cancelled.
        auto work = [store = store_.get(), jobs] { return execute(*store, *jobs); };
        errors = co_await mayhem::run_in_executor(thread_, std::move(work));
    } catch (const std::exception&) {
        errors.assign(jobs->size(), std::current_exception());  // the commit itself failed
    }
    for (std::size_t index = 0; index < jobs->size(); ++index) {
        (*jobs)[index]->settle(errors[index]);
    }
}

std::vector<std::exception_ptr> database::execute(message_store& store, batch& jobs) {
    std::vector<std::move_only_function<void()>> operations;
    operations.reserve(jobs.size());
    for (auto& one : jobs) operations.emplace_back([&] { one->execute(store); });
    return store.batch(operations);
}

mayhem::coro<void> database::close() {
    if (closing_) co_return;
    closing_ = true;
    changed_.set();
    co_await writer_;
    auto close_store = [store = std::move(store_)]() mutable { store.reset(); };
    co_await mayhem::run_in_executor(thread_, std::move(close_store));
    thread_.shutdown();
}

}  // namespace mandrill
