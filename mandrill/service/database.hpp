// The store, made asynchronous: every change goes through one writer thread, in group commits.
//
// Facts: SQLite blocks, and a durable commit waits for the disk. Problem: sixty messages in flight
// must not wait for sixty disk flushes one after the other, nor may the loop wait for any.
// Solution: operations queue up while a commit is under way; the next commit takes all of them.
// Under load the batches grow by themselves; at rest an operation is committed at once.
//
//     coroutine --run(f)--> queue --batch--> writer thread: f1 f2 f3 COMMIT --> coroutines resume
//
// An operation that has been queued is carried out, also when the coroutine that asked for it is
// cancelled meanwhile: what may have happened is read from the database, never guessed.
#pragma once

#include <exception>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "mandrill/store/message_store.hpp"
#include "tasks/mayhem.hpp"

namespace mandrill {

class database {
  public:
    /// Opens or creates the database on the writer thread. Throws store_error.
    static mayhem::coro<std::unique_ptr<database>> open(store_options options);

    /// REQUIRES: closed, or never used.
    ~database();
    database(const database&) = delete;
    database& operator=(const database&) = delete;

    /// Calls `operation(message_store&)` inside the next commit and gives its value once that is
    /// durable. `operation` runs on the writer thread: it must own what it touches. Throws what it
    /// throws, or the store_error of the commit. Cancellation ends the wait, not the operation.
    template <typename Operation>
    mayhem::coro<std::invoke_result_t<Operation&, message_store&>> run(Operation operation) {
        using value_type = std::invoke_result_t<Operation&, message_store&>;
        auto queued = std::make_unique<typed_job<Operation>>(std::move(operation));
        mayhem::future<value_type> answer = queued->promise.get_future();
        enqueue(std::move(queued));
        co_return co_await std::move(answer);
    }

    /// Commits what is queued, and closes the file. Later calls of `run` fail.
    mayhem::coro<void> close();

  private:
    /// One operation: runs on the writer thread, is settled on the loop's.
    class job {
      public:
        virtual ~job() = default;
        virtual void execute(message_store& store) = 0;
        virtual void settle(std::exception_ptr error) = 0;
    };

    template <typename Operation>
    class typed_job final : public job {
      public:
        using value_type = std::invoke_result_t<Operation&, message_store&>;
        explicit typed_job(Operation operation) : operation_(std::move(operation)) {}

        void execute(message_store& store) override {
            if constexpr (std::is_void_v<value_type>) {
                operation_(store);
                value_.set_value();
            } else {
                value_.set_value(operation_(store));
            }
        }
        void settle(std::exception_ptr error) override {
            if (promise.done()) return;  // whoever asked was cancelled
            if (error) return promise.set_exception(std::move(error));
            if constexpr (std::is_void_v<value_type>) {
                promise.set_value();
            } else {
                promise.set_value(std::move(value_).value());
            }
        }

        mayhem::promise<value_type> promise;

      private:
        Operation operation_;
        mayhem::result<value_type> value_;
    };

    using batch = std::vector<std::unique_ptr<job>>;

    database();
    void enqueue(std::unique_ptr<job> queued);
    mayhem::coro<void> write_batches();
    mayhem::coro<void> commit(std::shared_ptr<batch> jobs);

    /// Runs the whole batch in one commit; gives the error of each operation. Writer thread.
    static std::vector<std::exception_ptr> execute(message_store& store, batch& jobs);

    std::unique_ptr<message_store> store_;                // touched on the writer thread only ...
    mayhem::thread_pool_executor thread_{1, "database"};  // ... which is joined before it goes
    batch queued_;
    mayhem::event changed_;
    mayhem::task<void> writer_;
    bool closing_ = false;
};

}  // namespace mandrill
