// Collects the log lines of a scope, so that a test can ask what was said.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "loop/log.hpp"

namespace mayhem::testing {

/// While it lives, every log line of the process comes here and nowhere else.
class log_capture {
  public:
    explicit log_capture(log_level lowest = log_level::debug) {
        set_log_level(lowest);
        previous_ = set_log_sink([this](const log_record& record) {
            const std::lock_guard lock(mutex_);
            lines_.push_back(std::string(to_string(record.level)) + ": " +
                             std::string(record.message));
            changed_.notify_all();
        });
    }
    log_capture(const log_capture&) = delete;
    log_capture& operator=(const log_capture&) = delete;
    ~log_capture() {
        set_log_sink(std::move(previous_));
        set_log_level(log_level::info);
    }

    /// "LEVEL: message", in order.
    [[nodiscard]] std::vector<std::string> lines() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }

    /// How many lines contain `text`.
    [[nodiscard]] std::size_t count(std::string_view text) const {
        const std::lock_guard lock(mutex_);
        return static_cast<std::size_t>(std::ranges::count_if(
            lines_, [&](const std::string& line) { return line.find(text) != line.npos; }));
    }

    /// Blocks this thread until a line contains `text`, and gives it; nothing when a minute passes
    /// without. For what other threads log while this one is busy.
    [[nodiscard]] std::string wait_for(std::string_view text) const {
        std::unique_lock lock(mutex_);
        const auto contains = [&](const std::string& line) { return line.find(text) != line.npos; };
        const auto is_there = [&] { return std::ranges::any_of(lines_, contains); };
        if (!changed_.wait_for(lock, std::chrono::minutes(1), is_there)) return {};
        return *std::ranges::find_if(lines_, contains);
    }

  private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<std::string> lines_;
    log_sink previous_;
};

}  // namespace mayhem::testing
