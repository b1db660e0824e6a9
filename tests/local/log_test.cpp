// A sandbox's log: what is in it, who may write at once, its bounds, and following it.
#include <sys/resource.h>

#include <fstream>
#include <regex>

#include "log_place.hpp"

using namespace room;

namespace {

std::string log_of(Provider& provider, const std::string& id) {
    std::string text;
    provider.sandboxes.logs(id, {}, provider.caller, [&](std::string_view part) {
        text += part;
        return true;
    });
    return text;
}

// While it lives no file of ours may be larger.
class FullDisk {
public:
    explicit FullDisk(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
        const rlimit small{bytes, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        ::signal(SIGXFSZ, handler_);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

private:
    rlimit before_{};
    void (*handler_)(int);
};

}  // namespace

TEST_CASE("every entry is one line with time, source and pid") {
    Place place;
    NoSink sink;
    rooms::log_event(place.directory, "noted");
    {
        rooms::OutputLog log(place.directory.get(), {}, sink);
        log.started(17);
        say(log, "one\ntwo \x1b[31m");
        say(log, "oops\n", BERTH_STDERR);
        say(log, "still two\n\nno end");
    }
    const std::string text = read_all(place.directory);
    CHECK(texts_of(text) ==
          "system - created\nsystem - noted\nstdout 17 one\nstderr 17 oops\nstdout 17 two \x1b[31mstill two\nstdout 17 "
          "\nstdout 17 no "
          "end\n");
    const std::regex time("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z ");
    for (const std::string& line : lines_of(text)) {
        CHECK(std::regex_match(line.substr(0, rooms::log_time_size + 1), time));
    }
    CHECK(rooms::log_time(1'790'000'000'007) == "2026-09-21T14:13:20.007Z");
}

TEST_CASE("long lines become several") {
    Place place;
    NoSink sink;
    {
        rooms::OutputLog log(place.directory.get(), {}, sink);
        say(log,
            std::string(rooms::longest_log_line, 'a') + "\n" + std::string(rooms::longest_log_line + 1, 'b') + "\n");
    }
    const auto lines = lines_of(texts_of(read_all(place.directory, {3, {}, false})));
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].size() == rooms::longest_log_line + 9);
    CHECK(lines[1].back() == 'b');
    CHECK(lines[2] == "stdout - b");
}

TEST_CASE("a line that a full disk cut gets its end, and what had no room is counted") {
    Place place;
    rooms::LogSegment one(place.directory.get());
    rooms::LogSegment other(place.directory.get());
    REQUIRE(one.append("one line\n") == rooms::LogSegment::Written::all);
    {
        const FullDisk full(13);
        CHECK(one.append("another line\n") == rooms::LogSegment::Written::not_all);
        CHECK(other.append("nothing of this\n") == rooms::LogSegment::Written::not_all);
        CHECK(one.append("nor of this\n") == rooms::LogSegment::Written::not_all);
    }
    CHECK(other.append("of somebody else\n") == rooms::LogSegment::Written::all);
    CHECK(one.append("and on\n") == rooms::LogSegment::Written::all);
    CHECK(one.append("and on\n") == rooms::LogSegment::Written::all);
    std::ifstream file(place.temporary.path() / rooms::log_segment_name(0));
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
        lines.push_back(line);
    }
    REQUIRE(lines.size() == 7);
    CHECK(lines[0] == "one line");
    CHECK(lines[1] == "anot");
    CHECK(lines[2].ends_with(" system - 16 bytes are left out here: there was no room for them"));
    CHECK(lines[3] == "of somebody else");
    CHECK(lines[4].ends_with(" system - 21 bytes are left out here: there was no room for them"));
    CHECK(lines[5] == "and on");
    CHECK(lines[6] == "and on");
}

TEST_CASE("a flood is not copied: its newest lines stay and the rest is counted") {
    Place place;
    NoSink sink;
    const std::string line(99, 'x');
    std::string chunk;
    while (chunk.size() < (256U << 10)) {
        chunk += line + "\n";
    }
    std::size_t said = 0;
    {
        rooms::OutputLog log(place.directory.get(), {}, sink);
        for (int i = 0; i < 400; ++i) {
            say(log, chunk);
            said += chunk.size();
        }
        say(log, "the last line\n");
        said += 14;
    }
    CHECK(sink.passed == said);
    const std::string text = read_all(place.directory);
    CHECK(text.size() < (8U << 20));
    CHECK(text.ends_with(" stdout - the last line\n"));
    std::size_t accounted = 0;
    std::size_t notes = 0;
    for (const std::string& entry : lines_of(texts_of(text))) {
        if (entry == "system - created") {
            continue;
        }
        if (entry.starts_with("system")) {
            accounted += std::stoull(entry.substr(9));
            ++notes;
        } else {
            accounted += entry.size() - 9 + 1;
        }
    }
    CHECK(notes >= 1);
    // More than what was said can only be a line whose beginning was written before its rest was left out.
    CHECK(accounted >= said);
    CHECK(accounted <= said + notes);
}

TEST_CASE("after a flood the log goes on by itself, without new output") {
    Place place;
    NoSink sink;
    rooms::OutputLog log(place.directory.get(), {}, sink);
    CHECK_FALSE(log.next_turn().has_value());
    for (int i = 0; i < 100; ++i) {
        say(log, std::string(64U << 10, 'x') + "\n");
    }
    say(log, "and then\n");
    REQUIRE(log.next_turn().has_value());
    CHECK_FALSE(read_all(place.directory).ends_with("and then\n"));
    while (log.next_turn()) {
        std::this_thread::sleep_until(*log.next_turn());
        log.take_turn();
    }
    CHECK(read_all(place.directory).ends_with("and then\n"));
}

TEST_CASE("the log is bounded and keeps the newest, whoever writes at once") {
    Place place;
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 4; ++writer) {
        writers.emplace_back([&, writer] {
            rooms::LogSegment segment(place.directory.get());
            for (int i = 0; i < 300; ++i) {
                std::string lines;
                for (int k = 0; k < 100; ++k) {
                    rooms::write_log_line(lines, rooms::log_time(rooms::now_ms()), "stdout", std::to_string(writer),
                                          std::to_string(i * 100 + k) + " " + std::string(100, 'y'));
                }
                CHECK(segment.append(lines) == rooms::LogSegment::Written::all);
            }
        });
    }
    for (std::thread& writer : writers) {
        writer.join();
    }
    const std::string text = read_all(place.directory);
    CHECK(text.size() <= (8U << 20));
    CHECK(text.size() >= rooms::log_segment_bytes);
    std::map<char, int> next;
    for (const std::string& line : lines_of(texts_of(text))) {
        REQUIRE(line.starts_with("stdout "));  // whole lines only
        const int number = std::stoi(line.substr(9));
        CHECK((!next.contains(line[7]) || next[line[7]] == number));
        next[line[7]] = number + 1;
    }
    for (const auto& [writer, number] : next) {
        CHECK(number == 30'000);
    }
}

TEST_CASE("first since, then the last lines") {
    Place place;
    rooms::LogSegment segment(place.directory.get());
    std::string lines;
    for (int i = 0; i < 10; ++i) {
        rooms::write_log_line(lines, rooms::log_time(1'000'000 + i * 1000), "stdout", "1", std::to_string(i));
    }
    REQUIRE(segment.append(lines) == rooms::LogSegment::Written::all);
    CHECK(lines_of(read_all(place.directory)).size() == 11);
    CHECK(lines_of(read_all(place.directory, {3, {}, false})).size() == 3);
    CHECK(lines_of(read_all(place.directory, {300, {}, false})).size() == 11);
    CHECK(read_all(place.directory, {0, {}, false}).empty());
    CHECK(texts_of(read_all(place.directory, {{}, 1'008'000, false})) == "stdout 1 8\nstdout 1 9\n");
    CHECK(texts_of(read_all(place.directory, {1, 1'007'500, false})) == "stdout 1 9\n");
    CHECK(texts_of(read_all(place.directory, {5, 1'008'001, false})) == "stdout 1 9\n");
    CHECK(read_all(place.directory, {{}, 1'009'001, false}).empty());
    CHECK(read_all(place.directory, {{}, INT64_MAX, false}).empty());
    CHECK(lines_of(read_all(place.directory, {{}, -5, false})).size() == 11);
    CHECK(lines_of(read_all(place.directory, {{}, 1'000'000, false})).size() == 10);
    CHECK(read_all(Place().directory) == "1970-01-01T00:16:39.000Z system - created\n");
}

TEST_CASE("following gives what is there and what comes, through every turn of the segments") {
    Place place;
    rooms::LogSegment segment(place.directory.get());
    constexpr int batches = 600;
    const auto batch = [](int number) {
        std::string lines;
        for (int k = 0; k < 200; ++k) {
            rooms::write_log_line(lines, rooms::log_time(0), "stdout", "1",
                                  std::to_string(number * 200 + k) + " " + std::string(60, 'z'));
        }
        return lines;
    };
    REQUIRE(segment.append(batch(0)) == rooms::LogSegment::Written::all);
    std::atomic<int> seen = 0;
    std::thread writer([&] {
        for (int i = 1; i < batches; ++i) {
            while (i * 200 - seen > 40'000) {  // the log keeps more than that
                std::this_thread::yield();
            }
            (void)segment.append(batch(i));
        }
    });
    TestCaller caller;
    bool ordered = true;
    rooms::read_log(place.directory, created_at, {{}, {}, true}, caller, [&](std::string_view part) {
        for (const std::string& line : lines_of(std::string(part))) {
            if (line.ends_with("created")) {
                continue;
            }
            ordered = ordered && std::stoi(line.substr(rooms::log_time_size + 10)) == seen;
            ++seen;
        }
        if (seen == batches * 200) {
            caller.cancel();
        }
        return true;
    });
    writer.join();
    CHECK(ordered);
    CHECK(seen == batches * 200);
}

TEST_CASE("following ends when the taker has enough, and when the sandbox is destroyed") {
    Provider provider;
    const std::string id = provider.create();
    std::string text;
    provider.sandboxes.logs(id, {{}, {}, true}, provider.caller, [&](std::string_view part) {
        text += part;
        return false;
    });
    CHECK(text.ends_with("system - created\n"));
    std::atomic<bool> begun = false;
    std::thread follower([&] {
        TestCaller caller;
        provider.sandboxes.logs(id, {{}, {}, true}, caller, [&](std::string_view) { return begun = true; });
    });
    while (!begun) {
        std::this_thread::yield();
    }
    provider.sandboxes.destroy(id, provider.caller);
    follower.join();
}

TEST_CASE("a sandbox's log tells its life, also when it is stopped, and no value and no argument") {
    Provider provider;
    rooms::CreateRequest request;
    request.environment = {{"CANARY", "canary-value"}};
    request.setup_commands = {"echo set up"};
    const std::string id = provider.create(request);
    provider.run(id, "echo to stdout; echo to stderr >&2; : canary-argument");
    rooms::RunRequest reader = Provider::command({"wc", "-c"});
    reader.process.input = "canary-input";
    provider.run(id, std::move(reader));
    provider.sandboxes.set_environment(id, {{"OTHER", "canary-other"}}, {"CANARY"}, provider.caller);
    (void)provider.sandboxes.restart(id, provider.caller);
    ::kill(*provider.sandboxes.get(id).first_process, SIGKILL);
    for (int i = 0; i < 2000 && provider.sandboxes.get(id).state != rooms::State::stopped; ++i) {
        ::poll(nullptr, 0, 5);
    }
    const std::string log = std::regex_replace(texts_of(log_of(provider, id)), std::regex(" [0-9]+ "), " N ");
    CHECK(log.find("canary") == std::string::npos);
    CHECK(log ==
          "system - created\nstdout N set up\nstdout N to stdout\nstderr N to stderr\nstdout N 12\n"
          "system - environment changed: set OTHER unset CANARY\nsystem - stopped for a restart\nsystem - restarted\n");
    (void)provider.sandboxes.restart(id, provider.caller);
    CHECK(log_of(provider, id).find("its first process had died") != std::string::npos);
}
