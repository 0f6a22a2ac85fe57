/*
 * A card reader by its maker's library, as a program of its own: one job to a line on standard
 * input, one answer to a line on standard output (docs/adding-a-reader.md). The library is loaded at
 * run time, so that this program can have its width (32 or 64 bits), whatever the kiosk has.
 *
 * usage: reader LIBRARY PORT BAUD
 *
 * Names and arguments of the library's functions: Decard dcrf32, as its public headers have them.
 * Each returns 0 for success and less than 0 for a failure, unless something else stands beside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
#define CALL __stdcall
static void *load(const char *file) { return (void *)LoadLibraryA(file); }
static void *find(void *lib, const char *name) { return (void *)GetProcAddress((HMODULE)lib, name); }
#else
#include <dlfcn.h>
#define CALL
static void *load(const char *file) { return dlopen(file, RTLD_NOW); }
static void *find(void *lib, const char *name) { return dlsym(lib, name); }
#endif

/* The kiosk sends no longer line than this. */
#define LINE_MAX_CHARS 65536
/* A short APDU's answer is 256 bytes and its status; dc_cpuapdu tells its length in one byte. */
#define ANSWER_MAX 255
/* The customer's contact slot (dc_setcpu). */
#define MAIN_SLOT 0x0c
/* Bytes of an SLE4442, and of its code. */
#define SLE4442_BYTES 256
#define SLE4442_CODE 3
/* What PC/SC part 3 makes of an SLE4442's first four bytes. */
#define SLE4442_ATR "3B04A2131091"

typedef int Device;
static Device (CALL *dc_init)(short port, int baud); /* less than 0: no device */
static short (CALL *dc_card_status)(Device); /* 0: a card is in; 1: none */
static short (CALL *dc_setcpu)(Device, unsigned char slot);
static short (CALL *dc_cpureset)(Device, unsigned char *length, unsigned char *atr);
static short (CALL *dc_cpuapdu)(Device, unsigned char length, unsigned char *apdu,
                                unsigned char *answered, unsigned char *answer);
static short (CALL *dc_Check_4442)(Device); /* 0: an SLE4442 is in */
static short (CALL *dc_read_4442)(Device, short at, short length, unsigned char *bytes);
static short (CALL *dc_write_4442)(Device, short at, short length, unsigned char *bytes);
static short (CALL *dc_verifypin_4442)(Device, unsigned char *code);
static short (CALL *dc_readpincount_4442)(Device); /* tries that are left; less than 0: a failure */

static Device device = -1;
/* The number of the card that is in; 0: none. It rises with every card that comes. */
static long card = 0;
static long cards = 0;
static enum { NONE, CPU, MEMORY, MUTE } kind = NONE;
static char atr[2 * 33 + 1];

/* ---- lines ---- */

/* A number of the job; -1: it has none of this name. The kiosk's messages are flat and have no
   blanks. */
static long number(const char *line, const char *name)
{
    char key[40];
    const char *at;
    snprintf(key, sizeof key, "\"%s\":", name);
    at = strstr(line, key);
    return at == NULL ? -1 : strtol(at + strlen(key), NULL, 10);
}

/* A text of the job, cut at `size`; 0: it has none of this name. */
static int text(const char *line, const char *name, char *into, size_t size)
{
    char key[40];
    const char *at, *end;
    size_t length;
    snprintf(key, sizeof key, "\"%s\":\"", name);
    at = strstr(line, key);
    if (at == NULL || (end = strchr(at + strlen(key), '"')) == NULL) return 0;
    at += strlen(key);
    length = (size_t)(end - at);
    if (length >= size) return 0;
    memcpy(into, at, length);
    into[length] = 0;
    return 1;
}

/* Bytes of the job; -1: none of this name, or not hex, or too many. */
static int bytes(const char *line, const char *name, unsigned char *into, int most)
{
    char hex[2 * 1024 + 1];
    int i, n;
    if (!text(line, name, hex, sizeof hex)) return -1;
    n = (int)strlen(hex);
    if (n % 2 != 0 || n / 2 > most) return -1;
    for (i = 0; i < n / 2; i++) {
        unsigned int byte;
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1) return -1;
        into[i] = (unsigned char)byte;
    }
    return n / 2;
}

static void hex_of(const unsigned char *from, int length, char *into)
{
    int i;
    for (i = 0; i < length; i++) sprintf(into + 2 * i, "%02X", from[i]);
    into[2 * length] = 0;
}

static void ok(long id, const char *value)
{
    printf("{\"id\":%ld,\"ok\":%s}\n", id, value);
}

static void fail(long id, const char *code, const char *what, int result)
{
    printf("{\"id\":%ld,\"fail\":{\"code\":\"%s\",\"detail\":\"%s: %d\"}}\n", id, code, what, result);
}

static void ok_bytes(long id, const char *name, const unsigned char *from, int length)
{
    char hex[2 * 1024 + 1], value[2 * 1024 + 40];
    hex_of(from, length, hex);
    snprintf(value, sizeof value, "{\"%s\":\"%s\"}", name, hex);
    ok(id, value);
}

/* ---- the card ---- */

/* Powers up whatever is in: an SLE4442 by its own check, else a CPU card by its reset. */
static void wake(void)
{
    unsigned char length = 0, answer[256];
    kind = MUTE;
    if (dc_Check_4442(device) == 0) {
        kind = MEMORY;
        strcpy(atr, SLE4442_ATR);
    } else if (dc_setcpu(device, MAIN_SLOT) == 0 && dc_cpureset(device, &length, answer) == 0 &&
               length >= 2 && length <= 33) {
        kind = CPU;
        hex_of(answer, length, atr);
    }
}

/* Looks at the slot. A card that left and came back is another card. */
static int look(void)
{
    int there = dc_card_status(device);
    if (there < 0) return there;
    if (there != 0) {
        card = 0;
        kind = NONE;
    } else if (card == 0) {
        card = ++cards;
        wake();
    }
    return 0;
}

/* Nobody but the card that the job names may be touched: looked at before each exchange, as the
   library would power up another one by itself. */
static int is_there(long id, const char *line)
{
    int result = look();
    if (result < 0) {
        fail(id, "CARD-0107", "dc_card_status", result);
        return 0;
    }
    if (card == 0 || number(line, "card") != card) {
        fail(id, "CARD-0102", "another card, or none", (int)card);
        return 0;
    }
    return 1;
}

static void status(long id)
{
    char value[200];
    int result = look();
    if (result < 0) {
        fail(id, "CARD-0107", "dc_card_status", result);
        return;
    }
    if (card == 0)
        ok(id, "{\"state\":\"empty\"}");
    else {
        if (kind == MUTE)
            snprintf(value, sizeof value, "{\"state\":\"mute\",\"card\":%ld}", card);
        else
            snprintf(value, sizeof value, "{\"state\":\"present\",\"card\":%ld,\"atr\":\"%s\"}",
                     card, atr);
        ok(id, value);
    }
}

static void reset(long id)
{
    char value[100];
    wake();
    if (kind == MUTE) {
        fail(id, "CARD-0101", "no answer to reset", 0);
        return;
    }
    snprintf(value, sizeof value, "{\"atr\":\"%s\"}", atr);
    ok(id, value);
}

static void transmit(long id, const char *line)
{
    unsigned char apdu[262], answer[ANSWER_MAX + 1], answered = 0;
    int length = bytes(line, "apdu", apdu, 255), result;
    if (kind != CPU || length < 4) {
        fail(id, "CARD-0103", "no CPU card, or no command", length);
        return;
    }
    result = dc_cpuapdu(device, (unsigned char)length, apdu, &answered, answer);
    if (result != 0 || answered < 2)
        fail(id, "CARD-0106", "dc_cpuapdu", result);
    else
        ok_bytes(id, "bytes", answer, answered);
}

/* ---- SLE4442 ---- */

static int is_4442(long id, const char *line)
{
    char chip[20];
    if (kind == MEMORY && text(line, "chip", chip, sizeof chip) && strcmp(chip, "SLE4442") == 0)
        return 1;
    fail(id, "CARD-0103", "not an SLE4442", kind);
    return 0;
}

static void read_memory(long id, const char *line)
{
    char area[20];
    unsigned char data[SLE4442_BYTES];
    long at = number(line, "at"), length = number(line, "length");
    int result;
    if (!text(line, "area", area, sizeof area) || strcmp(area, "main") != 0 || at < 0 ||
        length < 1 || at + length > SLE4442_BYTES) {
        fail(id, "CARD-0103", "this area cannot be read", (int)at);
        return;
    }
    result = dc_read_4442(device, (short)at, (short)length, data);
    if (result != 0)
        fail(id, "CARD-0106", "dc_read_4442", result);
    else
        ok_bytes(id, "bytes", data, (int)length);
}

static void write_memory(long id, const char *line)
{
    char area[20];
    unsigned char data[SLE4442_BYTES];
    long at = number(line, "at");
    int length = bytes(line, "bytes", data, SLE4442_BYTES), result;
    if (!text(line, "area", area, sizeof area) || strcmp(area, "main") != 0 || at < 0 ||
        length < 1 || at + length > SLE4442_BYTES) {
        /* Nothing was sent. */
        fail(id, "CARD-0202", "this area cannot be written", (int)at);
        return;
    }
    result = dc_write_4442(device, (short)at, (short)length, data);
    /* Some of it may be stored: only reading tells. */
    if (result != 0)
        fail(id, "CARD-0203", "dc_write_4442", result);
    else
        ok(id, "{}");
}

/* Tries that are left, as the bits of the chip's counter: three tries are 07, two 03, one 01. */
static int counter_of(int tries)
{
    return tries >= 3 ? 7 : tries == 2 ? 3 : tries == 1 ? 1 : 0;
}

static void counter(long id)
{
    char value[40];
    int tries = dc_readpincount_4442(device);
    if (tries < 0) {
        fail(id, "CARD-0106", "dc_readpincount_4442", tries);
        return;
    }
    snprintf(value, sizeof value, "{\"counter\":%d}", counter_of(tries));
    ok(id, value);
}

/* The library's word is not believed: the chip makes its counter whole for the right code only. */
static void present(long id, const char *line)
{
    char value[60];
    unsigned char code[SLE4442_CODE];
    int result, tries;
    if (bytes(line, "code", code, sizeof code) != SLE4442_CODE) {
        fail(id, "CARD-0202", "no code of three bytes", 0);
        return;
    }
    result = dc_verifypin_4442(device, code);
    tries = dc_readpincount_4442(device);
    if (tries < 0) {
        fail(id, "CARD-0106", "dc_readpincount_4442", tries);
        return;
    }
    snprintf(value, sizeof value, "{\"verified\":%s,\"counter\":%d}",
             result == 0 && tries == 3 ? "true" : "false", counter_of(tries));
    ok(id, value);
}

/* ---- jobs ---- */

static void serve(const char *line)
{
    char job[20];
    long id = number(line, "id");
    if (!text(line, "do", job, sizeof job)) return;
    if (strcmp(job, "hello") == 0) {
        ok(id, "{\"version\":1,\"name\":\"dcrf32\",\"memory\":true,\"mifare\":false,"
               "\"gate\":false,\"sams\":0}");
        return;
    }
    if (strcmp(job, "status") == 0) {
        status(id);
        return;
    }
    if (!is_there(id, line)) return;
    if (strcmp(job, "reset") == 0)
        reset(id);
    else if (strcmp(job, "transmit") == 0)
        transmit(id, line);
    else if (!is_4442(id, line))
        return;
    else if (strcmp(job, "select") == 0)
        /* The library knows no such step: the check at the insertion was it. */
        ok(id, "{}");
    else if (strcmp(job, "read") == 0)
        read_memory(id, line);
    else if (strcmp(job, "write") == 0)
        write_memory(id, line);
    else if (strcmp(job, "counter") == 0)
        counter(id);
    else if (strcmp(job, "present") == 0)
        present(id, line);
    else
        fail(id, "CARD-0103", "not by this reader", 0);
}

#define LOAD(name) ((*(void **)&name = find(library, #name)) != NULL)

int main(int argc, char **argv)
{
    static char line[LINE_MAX_CHARS + 2];
    void *library = argc == 4 ? load(argv[1]) : NULL;
    setvbuf(stdout, NULL, _IOLBF, LINE_MAX_CHARS);
    if (library == NULL || !LOAD(dc_init) || !LOAD(dc_card_status) || !LOAD(dc_setcpu) ||
        !LOAD(dc_cpureset) || !LOAD(dc_cpuapdu) || !LOAD(dc_Check_4442) || !LOAD(dc_read_4442) ||
        !LOAD(dc_write_4442) || !LOAD(dc_verifypin_4442) || !LOAD(dc_readpincount_4442)) {
        fprintf(stderr, "usage: reader LIBRARY PORT BAUD; the library was not loaded, or lacks a function\n");
        return 2;
    }
    device = dc_init((short)atoi(argv[2]), atoi(argv[3]));
    if (device < 0) {
        fprintf(stderr, "dc_init: %d\n", device);
        return 1;
    }
    while (fgets(line, sizeof line, stdin) != NULL) serve(line);
    return 0;
}
