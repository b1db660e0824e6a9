// Copies of trees whose entries are renamed all the time: nothing of what stays there is missing, nothing is there twice.
#include <set>

#include "copy_place.hpp"

using namespace room;

namespace {

// Goes on until it goes away.
class Meanwhile {
public:
    explicit Meanwhile(std::function<void(int)> act)
        : thread_([this, act = std::move(act)] {
              for (int turn = 0; !stop_; ++turn) {
                  act(turn);
                  turns_ = turn;
              }
          }) {}
    ~Meanwhile() {
        stop_ = true;
        thread_.join();
    }
    Meanwhile(const Meanwhile&) = delete;
    Meanwhile& operator=(const Meanwhile&) = delete;
    [[nodiscard]] int turns() const { return turns_; }

private:
    std::atomic<bool> stop_ = false;
    std::atomic<int> turns_ = 0;
    std::thread thread_;
};

// What the files of a copy hold.
std::multiset<std::string> contents(const Place& place) {
    std::multiset<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(place.path("to"))) {
        if (entry.is_regular_file()) {
            all.insert(content_of(entry.path()));
        }
    }
    return all;
}

}  // namespace

TEST_CASE("files that are renamed all the time are all there, once") {
    for (const int files : {1, 3, 100}) {
        INFO(files);
        Place place;
        std::multiset<std::string> wanted;
        for (int i = 0; i < files; ++i) {
            place.write("f" + std::to_string(i), "content " + std::to_string(i));
            wanted.insert("content " + std::to_string(i));
        }
        const Meanwhile renaming([&](int turn) {
            const std::string number = std::to_string(turn % files);
            const bool there = turn / files % 2 == 0;
            ::rename(place.from((there ? "f" : "g") + number).c_str(),
                     place.from((there ? "g" : "f") + number).c_str());
        });
        for (int round = 0; round < 20; ++round) {
            copies_from_to(place, changing());
            CHECK(contents(place) == wanted);
            place.clear();
        }
        CHECK(renaming.turns() > 0);
    }
}

TEST_CASE("a large file that is only renamed while it is copied has not changed") {
    Place place;
    const std::string large(48 << 20, 'x');
    place.write("f", large);
    const Meanwhile renaming([&](int turn) {
        const char* const names[] = {"f", "g"};
        ::rename(place.from(names[turn % 2]).c_str(), place.from(names[(turn + 1) % 2]).c_str());
        ::poll(nullptr, 0, 1);
    });
    copies_from_to(place, changing());
    const std::multiset<std::string> copied = contents(place);
    REQUIRE(copied.size() == 1);
    const bool same = *copied.begin() == large;
    CHECK(same);
}

TEST_CASE("directories that are renamed all the time come with all that is in them, once") {
    Place place;
    std::multiset<std::string> wanted;
    for (int i = 0; i < 8; ++i) {
        const std::string name = "d" + std::to_string(i);
        fs::create_directories(place.from(name + "/below"));
        for (int file = 0; file < 5; ++file) {
            const std::string content = name + " " + std::to_string(file);
            place.write(name + "/below/" + std::to_string(file), content);
            wanted.insert(content);
        }
    }
    const Meanwhile renaming([&](int turn) {
        const std::string number = std::to_string(turn % 8);
        const bool there = turn / 8 % 2 == 0;
        ::rename(place.from((there ? "d" : "e") + number).c_str(), place.from((there ? "e" : "d") + number).c_str());
    });
    for (int round = 0; round < 20; ++round) {
        copies_from_to(place, changing());
        CHECK(contents(place) == wanted);
        place.clear();
    }
}

TEST_CASE("names that go from one file to the next, as logs are rotated, lose none") {
    Place place;
    for (const char* name : {"one", "two", "three"}) {
        place.write(name, name);
    }
    const Meanwhile turning([&](int) {
        ::rename(place.from("one").c_str(), place.from("spare").c_str());
        ::rename(place.from("two").c_str(), place.from("one").c_str());
        ::rename(place.from("three").c_str(), place.from("two").c_str());
        ::rename(place.from("spare").c_str(), place.from("three").c_str());
        ::poll(nullptr, 0, 10);
    });
    for (int round = 0; round < 100; ++round) {
        copies_from_to(place, changing());
        CHECK(contents(place) == std::multiset<std::string>{"one", "two", "three"});
        place.clear();
    }
}

TEST_CASE("files that come and go meanwhile keep no copy from being made") {
    Place place;
    place.write("stays", "stays");
    const Meanwhile churning([&](int turn) {
        const std::string name = place.from("t" + std::to_string(turn % 50));
        std::ofstream(name) << "passing";
        ::unlink(place.from("t" + std::to_string((turn + 25) % 50)).c_str());
    });
    for (int round = 0; round < 10; ++round) {
        copies_from_to(place, changing());
        CHECK(contents(place).count("stays") == 1);
        place.clear();
    }
}

TEST_CASE("a file that is written and renamed all the time is refused, or of one moment") {
    Place place;
    constexpr std::size_t size = 300'000;
    place.write("f", std::string(size, 'a'));
    const Meanwhile writing([&](int turn) {
        const char* const names[] = {"f", "g"};
        ::rename(place.from(names[turn % 2]).c_str(), place.from(names[(turn + 1) % 2]).c_str());
        const rooms::Descriptor file(::open(place.from(names[(turn + 1) % 2]).c_str(), O_WRONLY));
        const std::string content(size, static_cast<char>('a' + turn % 26));
        CHECK(::pwrite(file.get(), content.data(), size, 0) == static_cast<ssize_t>(size));
    });
    for (int round = 0; round < 2; ++round) {
        try {
            copies_from_to(place, changing());
            for (const std::string& content : contents(place)) {
                CHECK(content.size() == size);
                CHECK(content.find_first_not_of(content[0]) == std::string::npos);
            }
        } catch (const rooms::Failure& failure) {
            CHECK(failure.code == BERTH_CONFLICT);
        }
        place.clear();
    }
}
