// The values of secret variables in a sandbox's log: masked, wherever a line or what is kept comes apart.
#include "log_place.hpp"

using namespace room;

TEST_CASE("values of secret variables are masked, longest first, line by line") {
    Place place;
    NoSink sink;
    {
        rooms::OutputLog log(
            place.directory.get(),
            {{"T", "tops", true}, {"U", "topsecret", true}, {"V", "key 1\nkey 2", true}, {"W", "open"}}, sink);
        say(log, "a topsecret tops open\nkey 1\nkey 2\n");
    }
    CHECK(texts_of(read_all(place.directory, {3, {}, false})) ==
          "stdout - a *** *** open\nstdout - ***\nstdout - ***\n");
}

TEST_CASE("a secret is masked wherever a line comes apart") {
    const std::string secret = "sesame-open-now";
    const std::size_t longest = rooms::longest_log_line;
    for (std::size_t before = longest - secret.size() - 1; before <= longest + 1; ++before) {
        for (const bool in_pieces : {false, true}) {
            Place place;
            NoSink sink;
            {
                rooms::OutputLog log(place.directory.get(), {{"S", secret, true}, {"T", "longer-than-the-other", true}},
                                     sink);
                const std::string said = std::string(before, 'a') + secret + std::string(longest, 'b');
                for (std::size_t at = 0; at < said.size(); at += in_pieces ? 7 : said.size()) {
                    say(log, std::string_view(said).substr(at, in_pieces ? 7 : said.size()));
                }
                say(log, "\n");
            }
            std::string joined;
            for (const std::string& line : lines_of(texts_of(read_all(place.directory, {3, {}, false})))) {
                CHECK(line.size() <= longest + 9);
                joined += line.starts_with("system") ? "" : line.substr(9);
            }
            INFO(before);
            const bool whole = joined == std::string(before, 'a') + "***" + std::string(longest, 'b');
            CHECK(whole);
        }
    }
}

TEST_CASE("a secret longer than a line is masked whole") {
    Place place;
    NoSink sink;
    const std::string secret(3 * rooms::longest_log_line, 's');
    {
        rooms::OutputLog log(place.directory.get(), {{"S", secret, true}}, sink);
        say(log, "a" + secret + "b\n");
    }
    CHECK(read_all(place.directory).find("ss") == std::string::npos);
}

TEST_CASE("a secret is masked where a flood is left out") {
    Place place;
    NoSink sink;
    std::string secret;
    for (int i = 0; i < 4000; ++i) {
        secret += std::to_string(i) + ",";
    }
    {
        rooms::OutputLog log(place.directory.get(), {{"S", secret, true}}, sink);
        // The budget is used up within a secret; and then that secret's end is the first of what is kept.
        say(log, secret.substr(0, 9000));
        std::string flood;  // its last line is more than there is by nearly all of it: nothing comes again so fast
        for (int i = 0; i < 132; ++i) {
            flood += std::string(15973, 'x') + "\n";
        }
        say(log, flood, BERTH_STDERR);
        say(log, secret.substr(9000) + std::string(1 << 20, 'y'));
        say(log, secret.substr(9000) + std::string(rooms::log_tail_bytes - 5000, 'z'));
    }
    const std::string text = read_all(place.directory);
    CHECK(text.find("left out") != std::string::npos);
    CHECK(text.find("***") != std::string::npos);
    CHECK(text.find("100,101") == std::string::npos);
    CHECK(text.find("3998,3999") == std::string::npos);
}
