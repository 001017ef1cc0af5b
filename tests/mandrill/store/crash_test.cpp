// kill -9 at random points of a real workload, in a real process, against real files.
//
// A child works through requests for a few hosts: it pulls, saves, announces, "restarts" (one line
// in a ledger that stands for the fleet: a host's boot id is the number of its lines), records,
// acks; it also fails, nacks and extends. It is killed again and again, by itself between two steps
// and by its parent anywhere, inside a commit too. In the end one run is left alone, and then the
// ledger must show exactly one restart for each acked message, and none for a dead one.
#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <signal.h>
#include <string>
#include <unistd.h>

#include "tests/mandrill/store/child_process.hpp"
#include "tests/mandrill/store/store_fixture.hpp"

namespace mandrill::test {
namespace {

constexpr int requests = 40;
constexpr int hosts = 5;
constexpr int kills = 12;

class ledger {
  public:
    explicit ledger(std::filesystem::path file) : file_(std::move(file)) {}

    /// One write of one line: it is there completely or not at all, whenever the process is killed.
    void restart(const message& what) const {
        const int fd = ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
        const std::string line = what.host + " " + what.id + "\n";
        if (::write(fd, line.data(), line.size()) < 0) throw std::runtime_error("ledger");
        ::close(fd);
    }
    [[nodiscard]] std::string boot_id(const std::string& host) const {
        return "boot-" +
               std::to_string(count([&](const auto& h, const auto&) { return h == host; }));
    }
    [[nodiscard]] int restarts_for(const std::string& id) const {
        return count([&](const auto&, const auto& i) { return i == id; });
    }

  private:
    template <class Matches>
    int count(Matches matches) const {
        std::ifstream in(file_);
        int found = 0;
        for (std::string host, id; in >> host >> id;) found += matches(host, id) ? 1 : 0;
        return found;
    }
    std::filesystem::path file_;
};

class crash : public ::testing::TestWithParam<unsigned> {
  protected:
    /// The whole service in small: what the asynchronous one does, one message after the other.
    void work(unsigned seed, epoch_ms now, const child_process::report& step) const {
        std::mt19937 dice(seed);
        message_store store{store_options(file_)};
        store.expire_leases(now);
        step();
        for (int i = 0; i < requests; ++i) {
            const request wish("id-" + std::to_string(i), "cattle-" + std::to_string(i % hosts));
            store.publish(wish, now);
            if (i % 8 == 0) step();
        }
        while (const auto due = store.next_due()) {
            now = std::max(now, *due);
            for (const delivery& mine : store.pull(3, now, lease)) {
                step();
                handle(store, mine, now, dice, step);
                step();
            }
        }
    }

    void handle(message_store& store, const delivery& mine, epoch_ms now, std::mt19937& dice,
                const child_process::report& step) const {
        const auto chance = [&](unsigned percent) { return dice() % 100 < percent; };
        const auto token = mine.token;
        const std::string boot_id = ledger_.boot_id(mine.what.host);
        (void)store.save(token, now);
        if (chance(10)) return (void)store.nack(token, now, now, "shutdown");
        if (chance(10)) return;  // the owner forgets it: the lease runs out
        const next_step next = next_step_for(mine, boot_id);
        if (next == next_step::acknowledge) return (void)store.ack(token, now);
        if (next == next_step::restart) {
            if (chance(25)) return (void)store.fail(token, "no answer", now, now + 100);
            (void)store.intend(token, boot_id, now);
            step();
            ledger_.restart(mine.what);
            step();
            if (mine.failures < 4 && chance(10)) {
                return (void)store.fail(token, "came back too late", now, now + 100);
            }
        }
        if (chance(20)) (void)store.extend(token, now + 2 * lease);
        (void)store.done(token, ledger_.boot_id(mine.what.host), now);
        step();
        (void)store.ack(token, now);
    }

    scratch_folder folder_;
    std::filesystem::path file_ = folder_ / "mandrill.db";
    ledger ledger_{folder_ / "ledger"};
};

TEST_P(crash, every_message_ends_in_one_restart_or_in_the_dead_letters) {
    const unsigned seed = GetParam();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 dice(seed);
    int killed = 0;
    for (int round = 0; round < kills; ++round) {
        const epoch_ms now = start + round * 1'000'000;
        const int steps = 1 + static_cast<int>(dice() % 40);
        const bool by_itself = dice() % 2 == 0;
        child_process child([&](const child_process::report& report) {
            int left = steps;
            work(seed * 1000 + static_cast<unsigned>(round), now, [&] {
                if (by_itself && --left == 0) ::raise(SIGKILL);
                report();
            });
        });
        if (child.wait_for_steps(steps) && !by_itself) child.kill();
        const int status = child.wait();
        ASSERT_TRUE(status == 0 || child_process::killed(status)) << "status " << status;
        killed += status == 0 ? 0 : 1;

        // Also without a writer, the file must be readable as it was left, and nothing may be lost.
        message_reader reader(file_);
        for (const problem& each : reader.problems()) ADD_FAILURE() << each.id << ": " << each.what;
    }
    EXPECT_GT(killed, 0);

    work(seed, start + kills * 1'000'000, [] {});
    message_reader reader(file_);
    const auto all = reader.list();
    EXPECT_EQ(all.size(), static_cast<std::size_t>(requests));
    for (const message_status& each : all) {
        EXPECT_TRUE(each.state == message_state::acked || each.state == message_state::dead);
        EXPECT_EQ(ledger_.restarts_for(each.what.id), each.state == message_state::acked ? 1 : 0)
            << each.what.id << " is " << to_string(each.state);
    }
    EXPECT_EQ(reader.summarize().outstanding, 0);
    EXPECT_EQ(reader.summarize().lost, 0);
}

TEST_P(crash, what_was_reported_as_published_is_there_after_the_kill) {
    const unsigned seed = GetParam();
    SCOPED_TRACE("seed " + std::to_string(seed));
    const int steps = 1 + static_cast<int>(std::mt19937(seed)() % 200);
    child_process child([&](const child_process::report& step) {
        message_store store{store_options(file_)};
        for (int i = 0;; ++i) {
            store.publish(request("id-" + std::to_string(i), "cattle-aaaa"), start);
            step();
        }
    });
    ASSERT_TRUE(child.wait_for_steps(steps));
    child.kill();
    EXPECT_TRUE(child_process::killed(child.wait()));
    message_store store{store_options(file_)};
    const summary sum = store.reader().summarize();
    EXPECT_GE(sum.published, steps);
    EXPECT_EQ(sum.lost, 0);
}

/// Fixed seeds, so that a failure is there again tomorrow; one more from outside to look further.
std::vector<unsigned> seeds() {
    std::vector<unsigned> all{1, 2, 3, 4, 5, 6};
    if (const char* more = std::getenv("MAYHEM_SEED")) {
        all.push_back(static_cast<unsigned>(std::strtoul(more, nullptr, 10)));
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(seeds, crash, ::testing::ValuesIn(seeds()),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace mandrill::test
