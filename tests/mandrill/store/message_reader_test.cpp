// The reading half: finding by prefix, listing, histories, and reading beside the writer.
#include "mandrill/store/message_reader.hpp"

#include <gtest/gtest.h>

#include "tests/mandrill/store/store_fixture.hpp"

namespace mandrill::test {
namespace {

class reader : public store_test {
  protected:
    std::string failure_of_find(const char* id) {
        try {
            (void)store_->reader().find(id);
        } catch (const lookup_error& error) {
            return error.what();
        }
        return "found";
    }
};

TEST_F(reader, unique_beginning_of_an_id_is_enough) {
    publish("4f2a-77", "cattle-aaaa");
    publish("4f31-12", "cattle-bbbb");
    EXPECT_EQ(store_->reader().find("4f2").host, "cattle-aaaa");
    EXPECT_EQ(store_->reader().find("4f31-12").host, "cattle-bbbb");
}

TEST_F(reader, ambiguous_beginning_lists_the_candidates) {
    publish("4f2a", "cattle-aaaa");
    publish("4f31", "cattle-bbbb");
    EXPECT_EQ(failure_of_find("4f"),
              "'4f' is ambiguous; it may be 4f2a/cattle-aaaa, 4f31/cattle-bbbb");
}

TEST_F(reader, complete_id_means_itself_even_if_others_begin_with_it) {
    publish("4f", "cattle-aaaa");
    publish("4f31", "cattle-bbbb");
    EXPECT_EQ(store_->reader().find("4f").host, "cattle-aaaa");
}

TEST_F(reader, request_for_several_hosts_is_named_with_its_host) {
    publish("4f2a", "cattle-aaaa");
    publish("4f2a", "cattle-bbbb");
    EXPECT_NE(failure_of_find("4f2a").find("ambiguous"), std::string::npos);
    EXPECT_EQ(store_->reader().find("4f2a/cattle-bbbb").host, "cattle-bbbb");
    EXPECT_EQ(store_->reader().find("4f/cattle-aaaa").host, "cattle-aaaa");
}

TEST_F(reader, unknown_and_empty_ids_are_told_apart_from_wildcards) {
    publish("4f2a", "cattle-aaaa");
    EXPECT_EQ(failure_of_find("zz"), "no message has an id that begins with 'zz'");
    EXPECT_EQ(failure_of_find("%"), "no message has an id that begins with '%'");
    EXPECT_EQ(failure_of_find(""), "an id of a message must not be empty");
}

TEST_F(reader, lists_newest_first_by_state_and_up_to_a_limit) {
    publish("id-1", "cattle-aaaa");
    publish("id-2", "cattle-aaaa");
    publish("id-3", "cattle-bbbb");
    finish(pull_one());
    const auto all = store_->reader().list();
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0].what.id, "id-3");
    EXPECT_EQ(all[2].state, message_state::acked);
    EXPECT_EQ(store_->reader().list(message_state::ready).size(), 2u);
    EXPECT_EQ(store_->reader().list(message_state::dead).size(), 0u);
    EXPECT_EQ(store_->reader().list({}, 1).size(), 1u);
}

TEST_F(reader, status_tells_counts_and_the_last_reason) {
    publish("id-1");
    const delivery first = pull_one();
    EXPECT_EQ(store_->extend(first.token, now_ + 12'000), effect::applied);
    EXPECT_EQ(store_->fail(first.token, "no answer", now_, now_ + 7).failures, 1);
    const message_status status = store_->reader().list().at(0);
    EXPECT_EQ(status.state, message_state::ready);
    EXPECT_EQ(status.visible_at, now_ + 7);
    EXPECT_EQ(status.deliveries, 1);
    EXPECT_EQ(status.extensions, 1);
    EXPECT_EQ(status.failures, 1);
    EXPECT_EQ(status.last_reason, "no answer");
    EXPECT_EQ(status.done_at, std::nullopt);
}

TEST_F(reader, history_has_times_tokens_and_details) {
    publish("id-1");
    now_ += 10;
    const delivery first = pull_one();
    now_ += 10;
    EXPECT_EQ(store_->intend(first.token, "boot-1", now_), effect::applied);
    now_ += lease;
    const delivery second = pull_one();
    EXPECT_EQ(store_->done(second.token, "boot-2", now_), effect::applied);
    const auto events = store_->reader().history("id-1").events;
    ASSERT_EQ(events.size(), 7u);
    EXPECT_EQ(events_of("id-1"), "published pulled saved intent expired pulled done");
    EXPECT_EQ(events[1].at, start + 10);
    EXPECT_EQ(events[1].token, first.token);
    EXPECT_EQ(events[3].detail, "boot id before: boot-1");
    EXPECT_EQ(events[6].token, second.token);
    EXPECT_EQ(events[6].delivery, 2);
    EXPECT_EQ(events[6].detail, "boot id after: boot-2 (restarted by an earlier delivery)");
}

TEST_F(reader, works_beside_the_writer_and_after_it) {
    publish("id-1");
    {
        message_reader beside(file_);
        EXPECT_EQ(beside.list().size(), 1u);
        publish("id-2", "cattle-bbbb");
        EXPECT_EQ(beside.list().size(), 2u);
    }
    store_.reset();
    message_reader afterwards(file_);
    EXPECT_EQ(afterwards.summarize().outstanding, 2);
}

TEST_F(reader, connection_of_a_reader_cannot_write) {
    sqlite::database readonly(file_, sqlite::database::mode::read_only, 0);
    try {
        readonly.execute("DELETE FROM messages");
        FAIL() << "a reader wrote";
    } catch (const store_error& error) {
        EXPECT_EQ(error.fault(), store_fault::read_only);
    }
}

TEST(names, states_and_origins_parse_what_they_print) {
    for (const auto state : {message_state::waiting, message_state::ready, message_state::leased,
                             message_state::acked, message_state::dead}) {
        EXPECT_EQ(parse_message_state(to_string(state)), state);
    }
    for (const auto where : {origin::random, origin::request, origin::standard_input}) {
        EXPECT_EQ(parse_origin(to_string(where)), where);
    }
    try {
        (void)parse_message_state("sleeping");
        FAIL() << "accepted";
    } catch (const lookup_error& error) {
        EXPECT_STREQ(
            error.what(),
            "'sleeping' is not a state of a message; it is one of: waiting, ready, leased, "
            "acked, dead");
    }
}

}  // namespace
}  // namespace mandrill::test
