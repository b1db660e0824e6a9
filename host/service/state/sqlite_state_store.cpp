// The state store over SQLite, and the module's one door. Says what get, put, remove and list are in rows; the database
// room says what a row is.
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include "../diagnostics.hpp"
#include "../service_call.hpp"
#include "../state_store.hpp"
#include "database.hpp"

namespace berth::inline host_v1 {

namespace {

/// How often somebody who waits for a turn looks whether the call goes on. A stop has no way to wake us.
constexpr std::chrono::milliseconds look_up{20};

class SqliteStateStore final : public StateStore {
public:
    explicit SqliteStateStore(std::string file) : file_(std::move(file)) {}

    StateAnswer get(const ServiceCall& call, std::string_view key) noexcept override;
    StateAnswer put(const ServiceCall& call, std::string_view key, std::string_view value,
                    std::uint64_t expected) noexcept override;
    StateAnswer remove(const ServiceCall& call, std::string_view key, std::uint64_t expected) noexcept override;
    StateAnswer list(const ServiceCall& call, std::string_view prefix) noexcept override;

private:
    /// The connection is one thread's at a time.
    class Turn {
    public:
        Turn(SqliteStateStore& store, const ServiceCall& call);
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        ~Turn();

    private:
        SqliteStateStore& store_;
    };
    template <typename Function>
    StateAnswer in_turn(const ServiceCall& call, Function&& function) noexcept;

    const std::string file_;
    std::mutex mutex_;
    std::condition_variable free_;
    bool taken_ = false;
    std::unique_ptr<Database> database_;  ///< whose turn it is
};

SqliteStateStore::Turn::Turn(SqliteStateStore& store, const ServiceCall& call) : store_(store) {
    std::unique_lock lock(store.mutex_);
    while (!store.free_.wait_for(lock, look_up, [&store] { return !store.taken_; })) {
        if (call.stopped()) throw GivenUp{};
    }
    store.taken_ = true;
}

SqliteStateStore::Turn::~Turn() {
    const std::lock_guard lock(store_.mutex_);
    store_.taken_ = false;
    store_.free_.notify_one();
}

template <typename Function>
StateAnswer SqliteStateStore::in_turn(const ServiceCall& call, Function&& function) noexcept {
    StateAnswer answer;
    try {
        const Turn turn(*this, call);
        if (!database_) database_ = std::make_unique<Database>(file_, call);
        database_->serve(&call);
        try {
            answer = function(*database_);
        } catch (...) {
            database_->serve(nullptr);
            throw;
        }
        database_->serve(nullptr);
    } catch (const GivenUp&) {
        answer.kind = StateAnswer::Kind::given_up;
    } catch (const Error& error) {
        answer.kind = StateAnswer::Kind::failed;
        answer.error = error;
    } catch (const std::bad_alloc&) {
        answer.kind = StateAnswer::Kind::failed;
    } catch (const std::exception& failure) {
        answer.kind = StateAnswer::Kind::failed;
        ErrorFields fields;
        fields.message = std::string("the state store failed: ") + failure.what();
        fields.path = file_;
        fields.outcome = Outcome::unknown;
        answer.error = Error(service_diagnostics::state_unusable, std::move(fields));
    }
    return answer;
}

/// The revision that is stored, 0 when there is none.
std::uint64_t stored_revision(Database& database, std::string_view key) {
    Database::Statement question(database, "SELECT revision FROM entries WHERE key = ?1");
    return question.bind(1, key).step() ? question.number(0) : 0;
}

StateAnswer SqliteStateStore::get(const ServiceCall& call, std::string_view key) noexcept {
    return in_turn(call, [&](Database& database) -> StateAnswer {
        Database::Statement question(database, "SELECT value, revision FROM entries WHERE key = ?1");
        if (!question.bind(1, key).step()) return {StateAnswer::Kind::none};
        return {StateAnswer::Kind::done, question.bytes(0), question.number(1)};
    });
}

StateAnswer SqliteStateStore::put(const ServiceCall& call, std::string_view key, std::string_view value,
                                  std::uint64_t expected) noexcept {
    return in_turn(call, [&](Database& database) -> StateAnswer {
        Database::Transaction transaction(database);
        if (stored_revision(database, key) != expected) return {StateAnswer::Kind::conflict};
        std::uint64_t revision = 0;
        {
            Database::Statement next(database, "UPDATE counter SET last = last + 1 RETURNING last");
            if (next.step()) revision = next.number(0);
            while (next.step()) {
            }
        }
        {
            Database::Statement store(database, "INSERT OR REPLACE INTO entries VALUES (?1, ?2, ?3)");
            store.bind(1, key).bind(2, value).bind(3, revision);
            while (store.step()) {
            }
        }
        transaction.commit();
        return {StateAnswer::Kind::done, {}, revision};
    });
}

StateAnswer SqliteStateStore::remove(const ServiceCall& call, std::string_view key, std::uint64_t expected) noexcept {
    return in_turn(call, [&](Database& database) -> StateAnswer {
        Database::Transaction transaction(database);
        const auto revision = stored_revision(database, key);
        if (revision == 0) return {StateAnswer::Kind::none};
        if (revision != expected) return {StateAnswer::Kind::conflict};
        {
            Database::Statement removal(database, "DELETE FROM entries WHERE key = ?1");
            removal.bind(1, key);
            while (removal.step()) {
            }
        }
        transaction.commit();
        return {};
    });
}

StateAnswer SqliteStateStore::list(const ServiceCall& call, std::string_view prefix) noexcept {
    return in_turn(call, [&](Database& database) {
        StateAnswer answer;
        Database::Statement question(database, "SELECT key FROM entries WHERE key >= ?1 ORDER BY key");
        question.bind(1, prefix);
        while (question.step()) {
            auto key = question.bytes(0);
            if (!key.starts_with(prefix)) break;
            answer.keys.push_back(std::move(key));
        }
        return answer;
    });
}

}  // namespace

}  // namespace berth::inline host_v1

extern "C" berth::StateStore* berth_make_state_store_1(const std::string& file) noexcept {
    try {
        return new berth::SqliteStateStore(file);
    } catch (...) {
        return nullptr;
    }
}
