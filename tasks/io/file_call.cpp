#include "tasks/io/file_call.hpp"

#include <algorithm>
#include <atomic>
#include <fcntl.h>
#include <utility>

#include "loop/error.hpp"
#include "loop/system_call.hpp"
#include "tasks/executor.hpp"
#include "tasks/io/external_work.hpp"
#include "tasks/io/io_awaiter.hpp"

namespace mayhem::detail {
namespace {

// A thread moves at most this much at once, since nothing ends it sooner; longer requests are done
// in part, as reads and writes may always be.
constexpr std::size_t moved_bytes_max = std::size_t{1} << 20;

void prepare(operation& op, const file_request& request, int fd, struct statx& status) {
    switch (request.code) {
        case opcode::read:
            return op.prepare_read(fd, request.into, request.offset);
        case opcode::write:
            return op.prepare_write(fd, request.data, request.offset);
        case opcode::openat:
            return op.prepare_openat(AT_FDCWD, request.path.c_str(), request.flags, request.mode);
        case opcode::statx:
            return op.prepare_statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &status);
        case opcode::fsync:
            return op.prepare_fsync(fd, request.flags != 0);
        default:
            MAYHEM_CHECK(false, "not an operation on files");
    }
}

file_answer answer_of(opcode code, std::int32_t result, const struct statx& status) {
    if (result < 0) return std::unexpected(errno_code(result));
    if (code == opcode::statx) return status.stx_size;
    return static_cast<std::uint64_t>(result);
}

/// The request as a thread sees it: with the caller's bytes, or memory of its own.
class file_job final : public executor_job {
  public:
    file_job(event_loop& loop, std::shared_ptr<descriptor> on, const file_request& request)
        : executor_job(loop), on_(std::move(on)), request_(request) {
        request_.into = request_.into.first(std::min(request_.into.size(), moved_bytes_max));
        request_.data = request_.data.first(std::min(request_.data.size(), moved_bytes_max));
        if (on_ == nullptr) return;
        fd_ = on_->get();
        if (request.code != opcode::read && request.code != opcode::write) return;
        is_in_place_ = on_->kind() == io_kind::regular_file;
        if (is_in_place_) return;
        if (request.code == opcode::read) {
            request_.into = memory_for(request_.into.size());
        } else {
            const auto copy = memory_for(request_.data.size());
            std::ranges::copy(request_.data, copy.begin());
            request_.data = copy;
        }
    }
    /// A file that was opened for nobody.
    ~file_job() override {
        if (request_.code == opcode::openat) unique_fd(result_).reset();
    }

    // The file is let go here and not in the thread: closing it is the loop's business.
    void run() noexcept override {
        const std::shared_ptr<descriptor> keep = std::move(on_);
        executor_job::run();
    }

    /// @param into where the caller of a read wants the bytes
    file_answer take_answer(std::span<std::byte> into) {
        if (failure_) std::rethrow_exception(failure_);
        const file_answer answer = answer_of(request_.code, result_, status_);
        if (request_.code == opcode::openat) result_ = -1;
        if (request_.code == opcode::read && answer && !is_in_place_) {
            std::copy_n(request_.into.begin(), *answer, into.begin());
        }
        return answer;
    }

    /// Afterwards the caller's bytes are not touched any more: what has not begun never will, and
    /// what has is waited for.
    void let_go() noexcept {
        if (!is_in_place_) return;
        stage expected = stage::queued;
        if (stage_.compare_exchange_strong(expected, stage::over)) return;
        stage_.wait(stage::running, std::memory_order_acquire);
    }

  private:
    enum class stage : int { queued, running, over };

    class plain_operation final : public operation {
        void run() noexcept override {}
    };

    /// Not set to zero before it is filled, which would cost as much as reading does.
    std::span<std::byte> memory_for(std::size_t size) {
        bytes_ = std::make_unique_for_overwrite<std::byte[]>(size);
        return {bytes_.get(), size};
    }

    void execute() noexcept override {
        stage expected = stage::queued;
        if (!stage_.compare_exchange_strong(expected, stage::running)) return;  // for nobody
        plain_operation op;
        prepare(op, request_, fd_, status_);
        result_ = perform(op);
        stage_.store(stage::over, std::memory_order_release);
        stage_.notify_one();
    }
    void fail(std::exception_ptr error) noexcept override { failure_ = std::move(error); }

    std::shared_ptr<descriptor> on_;
    file_request request_;
    int fd_ = -1;
    bool is_in_place_ = false;  // works on the caller's bytes
    std::atomic<stage> stage_{stage::queued};
    std::unique_ptr<std::byte[]> bytes_;
    struct statx status_{};
    std::int32_t result_ = -1;
    std::exception_ptr failure_;
};

/// Waits for a file_job.
class job_call final : public job_wait, public descriptor_user {
  public:
    job_call(descriptor* on, io_use use, std::shared_ptr<file_job> job,
             std::span<std::byte> into) noexcept
        : job_wait(std::move(job)), descriptor_user(on, use), into_(into) {}
    job_call(const job_call&) = delete;
    job_call& operator=(const job_call&) = delete;
    ~job_call() { own_job().let_go(); }

    bool await_ready() noexcept {
        if (on() != nullptr) refusal_ = on()->refusal(use());
        return refusal_ != 0;
    }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) {
        suspend(frame);
        deliver_pending_cancel();
        if (cancelled_) return;
        submit(nullptr);
        started_ = true;
        if (on() != nullptr) enter();
    }
    file_answer await_resume() {
        leave();
        if (refusal_ != 0) return std::unexpected(errno_code(refusal_));
        throw_if_wait_cancelled();
        return own_job().take_answer(into_);
    }

    bool cancel() noexcept override { return !started_ && job_wait::cancel(); }
    [[nodiscard]] std::string describe() const override { return "a file operation in a thread"; }
    // The job shares the file, so that it stays open.
    [[nodiscard]] bool is_in_flight() const noexcept override { return false; }
    void ask_to_end() noexcept override {}

  private:
    file_job& own_job() const noexcept { return static_cast<file_job&>(*job_); }

    std::span<std::byte> into_;
    int refusal_ = 0;  // errno
    bool started_ = false;
};

/// Through the backend.
coro<file_answer> carry_out_in_kernel(std::shared_ptr<descriptor> on, io_use use,
                                      file_request request) {
    // A disk takes real time, and never waits for anything of ours: no timeout can be due before.
    const external_work at_work(get_running_loop());
    struct statx status{};
    io_call<unique_fd, false> open_call(nullptr, use, [&](operation& op) {
        if (request.code == opcode::openat) prepare(op, request, -1, status);
    });
    if (request.code == opcode::openat) {
        auto opened = co_await open_call;
        if (!opened) co_return std::unexpected(opened.error());
        co_return static_cast<std::uint64_t>(opened->release());
    }
    io_call<std::int32_t, false> call(
        on.get(), use, [&](operation& op) { prepare(op, request, on->get(), status); });
    const auto result = co_await call;
    if (!result) co_return std::unexpected(result.error());
    co_return answer_of(request.code, *result, status);
}

}  // namespace

coro<file_answer> carry_out(std::shared_ptr<descriptor> on, io_use use, file_request request) {
    event_loop& loop = get_running_loop();
    if (loop.get_backend().completes_files_asynchronously()) {
        co_return co_await carry_out_in_kernel(std::move(on), use, std::move(request));
    }
    auto job = std::make_shared<file_job>(loop, on, request);
    job_call call(on.get(), use, std::move(job), request.into);
    co_return co_await call;
}

}  // namespace mayhem::detail
