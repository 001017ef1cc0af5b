#include "mandrill/fleet/instance.hpp"

#include <chrono>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <system_error>

#include "loop/error.hpp"
#include "loop/fd.hpp"
#include "mandrill/fleet/health.hpp"
#include "mandrill/fleet/host.hpp"
#include "mandrill/fleet/host_lock.hpp"
#include "tasks/executor.hpp"
#include "tasks/io/foreign_process.hpp"
#include "tasks/io/line_reader.hpp"
#include "tasks/io/process.hpp"
#include "tasks/sleep.hpp"

namespace mandrill {
namespace {

/// A child: it says on its standard output when it is ready, or why it never will be.
class spawned_instance final : public instance {
  public:
    explicit spawned_instance(mayhem::process child) : child_(std::move(child)) {}

    [[nodiscard]] pid_t pid() const override { return child_.pid(); }
    [[nodiscard]] bool is_running() const override { return child_.is_running(); }
    void send_signal(int signal_number) override { child_.send_signal(signal_number); }

    mayhem::coro<boot_record> wait_for_boot() override {
        constexpr std::size_t line_bytes_max = 4096;
        mayhem::line_reader lines(child_.standard_output(), line_bytes_max);
        const std::optional<std::string> line = co_await lines.read_line();
        if (!line) throw boot_failed("it ended while it booted");
        if (line->starts_with(boot_error_prefix)) {
            const std::string why = line->substr(boot_error_prefix.size());
            // It is about to end: let it, so that its exit code is its own.
            std::optional<std::string> more = co_await lines.read_line();
            while (more) more = co_await lines.read_line();
            throw boot_failed(why);
        }
        std::optional<boot_record> boot = parse_boot_record(*line);
        if (!boot) throw boot_failed("it does not speak like a host: " + *line);
        co_await child_.standard_output().close();  // it has said all that it had to say
        co_return std::move(*boot);
    }

    mayhem::coro<std::string> wait_for_end() override {
        const mayhem::exit_status status = co_await child_.wait();
        co_return status.to_string();
    }

  private:
    mayhem::process child_;
};

/// Somebody else's child: when it has booted is in the ledger, and that it is the one in the ledger
/// is its own word on its health port.
class adopted_instance final : public instance {
  public:
    adopted_instance(mayhem::foreign_process process, std::filesystem::path ledger_file,
                     std::string host)
        : process_(std::move(process)), ledger_(std::move(ledger_file)), host_(std::move(host)) {}

    [[nodiscard]] pid_t pid() const override { return process_.pid(); }
    [[nodiscard]] bool is_running() const override { return process_.is_running(); }
    void send_signal(int signal_number) override { process_.send_signal(signal_number); }

    mayhem::coro<boot_record> wait_for_boot() override {
        using namespace std::chrono_literals;
        while (is_running()) {
            auto read = [from = ledger_] { return from.read(); };
            const ledger_contents contents = co_await mayhem::run_in_executor(read);
            const auto boot = last_boot_of(contents.boots, host_);
            if (boot && boot->pid == process_.pid()) {
                const auto answer = co_await ask_health(boot->port, 1s);
                if (answer && answer->boot_id == boot->boot_id) co_return *boot;
            }
            co_await mayhem::sleep(20ms);  // it may be booting still: its line is yet to come
        }
        throw boot_failed("it ended while it was taken over");
    }

    mayhem::coro<std::string> wait_for_end() override {
        co_await process_.wait();
        co_return "it ended";
    }

  private:
    mayhem::foreign_process process_;
    ledger ledger_;
    std::string host_;
};

}  // namespace

std::unique_ptr<instance> spawn_instance(const std::filesystem::path& program,
                                         const std::vector<std::string>& arguments,
                                         const std::filesystem::path& error_log) {
    std::vector<std::string> command{program.string()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const mayhem::unique_fd log(
        ::open(error_log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
    if (!log) mayhem::throw_errno(errno, "Could not open " + error_log.string());
    mayhem::process_options options;
    options.standard_input = mayhem::stdio::null();
    options.standard_output = mayhem::stdio::pipe();
    // Not our own: a pipe that reads our output would wait for the hosts, too, after our end.
    options.standard_error = mayhem::stdio::descriptor(log.get());
    options.new_process_group = true;
    return std::make_unique<spawned_instance>(mayhem::process::spawn(command, options));
}

std::unique_ptr<instance> adopt_instance(const std::filesystem::path& ledger_file,
                                         const std::string& host) {
    const std::filesystem::path lock = host_lock_file(ledger_file, host);
    const std::optional<pid_t> holder = host_lock::holder(lock);
    if (!holder) return nullptr;
    auto process = mayhem::foreign_process::open(*holder);
    // Between the two lines above, the number may have passed to a stranger. The pidfd is the right
    // one if the lock still names its number: only a living process holds a lock.
    if (!process || host_lock::holder(lock) != holder) return nullptr;
    return std::make_unique<adopted_instance>(std::move(*process), ledger_file, host);
}

}  // namespace mandrill
