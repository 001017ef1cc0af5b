// Collects the log lines of a scope, so that a test can ask what was said:
//
//     log_capture log;
//     co_await save(message);
//     log.expect("Saved");                        // fails, and lists what was said, if nothing was
//     log.expect(HasSubstr("database"));          // any matcher of strings
//     log.expect_nothing_else(log_level::warning);
//
// It refuses to print: while it lives, nobody else hears the log.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
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
            lines_.push_back(
                {record.level,
                 std::string(to_string(record.level)) + ": " + std::string(record.message), false});
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
        std::vector<std::string> texts;
        for (const line& each : lines_) texts.push_back(each.text);
        return texts;
    }

    /// How many lines contain `text`.
    [[nodiscard]] std::size_t count(std::string_view text) const {
        const std::lock_guard lock(mutex_);
        return static_cast<std::size_t>(std::ranges::count_if(
            lines_, [&](const line& each) { return each.text.find(text) != each.text.npos; }));
    }

    /// Forgets what was said so far: by a fixture, what the loop itself has logged.
    void clear() {
        const std::lock_guard lock(mutex_);
        lines_.clear();
    }

    /// Fails the test unless a line that was not expected yet contains `text`; that line is then
    /// expected.
    void expect(std::string_view text) {
        expect(::testing::Matcher<const std::string&>(::testing::HasSubstr(std::string(text))));
    }
    /// The same with a matcher of the whole line, "LEVEL: message".
    template <typename Matcher>
        requires(!std::convertible_to<Matcher, std::string_view>)
    void expect(const Matcher& matcher) {
        const auto wanted = ::testing::SafeMatcherCast<const std::string&>(matcher);
        const std::lock_guard lock(mutex_);
        for (line& each : lines_) {
            if (each.is_expected || !wanted.Matches(each.text)) continue;
            each.is_expected = true;
            return;
        }
        ADD_FAILURE() << "Nothing was logged that "
                      << ::testing::DescribeMatcher<const std::string&>(wanted)
                      << "; the log says:" << list_lines();
    }

    /// Fails the test for every line at `lowest` or above that no `expect` has found.
    void expect_nothing_else(log_level lowest = log_level::debug) const {
        const std::lock_guard lock(mutex_);
        for (const line& each : lines_) {
            if (each.is_expected || each.level < lowest) continue;
            ADD_FAILURE() << "An unexpected line was logged: " << each.text;
        }
    }

    /// Blocks this thread until a line contains `text`, and gives it; nothing when a minute passes
    /// without. For what other threads log while this one is busy.
    [[nodiscard]] std::string wait_for(std::string_view text) const {
        std::unique_lock lock(mutex_);
        const auto contains = [&](const line& each) {
            return each.text.find(text) != each.text.npos;
        };
        const auto is_there = [&] { return std::ranges::any_of(lines_, contains); };
        if (!changed_.wait_for(lock, std::chrono::minutes(1), is_there)) return {};
        return std::ranges::find_if(lines_, contains)->text;
    }

  private:
    struct line {
        log_level level;
        std::string text;
        bool is_expected;
    };

    [[nodiscard]] std::string list_lines() const {
        std::string text;
        for (const line& each : lines_) {
            text += "\n  " + each.text + (each.is_expected ? "  (expected already)" : "");
        }
        return text.empty() ? " nothing" : text;
    }

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<line> lines_;
    log_sink previous_;
};

}  // namespace mayhem::testing
