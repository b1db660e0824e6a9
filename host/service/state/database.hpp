// SQLite, so far as the state store needs it: a connection, statements, transactions, and what its failures mean.
// The only room that knows SQLite.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "../../base/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace berth::inline host_v1 {

class ServiceCall;

/// Another process has its turn, and the call that waited was stopped.
class GivenUp {};

/// One connection to one file. One thread at a time.
class Database {
public:
    /// Opens the file, and makes it, its directory and its table where they are missing: readable by nobody else. Throws
    /// Error, GivenUp.
    Database(const std::string& file, const ServiceCall& call);
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    /// Whose stop ends the waiting for other processes.
    void serve(const ServiceCall* call) noexcept { call_ = call; }

    /// Runs words without an answer. Throws Error, GivenUp.
    void run(const char* words);

    /// What SQLite made of the words of a statement.
    struct Understood {
        const char* words;
        sqlite3_stmt* raw;
        bool is_asked;
    };
    /// One question; its parameters are numbered from 1, the columns of its answers from 0. What SQLite made of
    /// its words is kept for the next one with the same.
    class Statement {
    public:
        /// `words` live as long as the database.
        Statement(Database& database, const char* words);
        Statement(const Statement&) = delete;
        Statement& operator=(const Statement&) = delete;
        ~Statement();
        Statement& bind(int place, std::string_view bytes);
        Statement& bind(int place, std::uint64_t number);
        /// The next row. False: there is none. Throws Error, GivenUp.
        [[nodiscard]] bool step();
        [[nodiscard]] std::string bytes(int column) const;
        [[nodiscard]] std::uint64_t number(int column) const;

    private:
        Database& database_;
        Understood& understood_;
        sqlite3_stmt* const raw_;
    };

    /// Rolled back unless committed.
    class Transaction {
    public:
        /// Writers take turns from here on, so that what is read stays true until it is written.
        explicit Transaction(Database& database);
        Transaction(const Transaction&) = delete;
        Transaction& operator=(const Transaction&) = delete;
        ~Transaction();
        void commit();

    private:
        Database& database_;
        bool open_ = true;
    };

private:
    static int wait(void* database, int round) noexcept;
    void prepare();
    void close() noexcept;
    [[nodiscard]] Understood& understood(const char* words);
    [[noreturn]] void refuse_foreign() const;
    template <typename Attempt>
    int patiently(Attempt&& attempt);
    [[noreturn]] void fail(int result, Outcome outcome) const;

    std::string file_;
    sqlite3* raw_ = nullptr;
    std::list<Understood> understood_;
    const ServiceCall* call_ = nullptr;
    Outcome outcome_ = Outcome::none;  ///< what a failure now leaves behind
};

}  // namespace berth::inline host_v1
