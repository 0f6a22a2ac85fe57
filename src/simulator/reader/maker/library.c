/*
 * A stand-in for a maker's reader library (the functions of Decard's dcrf32 that public headers
 * show), for tests of programs that are written against such a library. Behind it is a slot in
 * which our simulated cards are put: they connect to a loopback port and answer as vsmartcard's vpcd
 * asks them. `dc_init`'s port is that port.
 *
 * It behaves as such libraries do where it matters: it keeps no word of a card's coming and going
 * (dc_card_status says what is now), powers a memory card up by itself, and answers a failure with
 * a negative number and no reason.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* vsmartcard, vpcd's protocol: two bytes of length, then one byte of control or an APDU. */
#define VPCD_ON 1
#define VPCD_RESET 2
#define VPCD_ATR 4
/* A card that takes longer is out of order. */
#define CARD_MS 5000

static int slot = -1;
static int card = -1;

static void gone(void)
{
    if (card >= 0) close(card);
    card = -1;
}

static int readable(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) > 0;
}

static int all(unsigned char *into, int length)
{
    int got = 0;
    while (got < length) {
        ssize_t n = readable(card, CARD_MS) ? recv(card, into + got, (size_t)(length - got), 0) : -1;
        if (n <= 0) {
            gone();
            return -1;
        }
        got += (int)n;
    }
    return 0;
}

static int say(const unsigned char *message, int length)
{
    unsigned char head[2] = {(unsigned char)(length >> 8), (unsigned char)length};
    if (card < 0) return -1;
    if (send(card, head, 2, MSG_NOSIGNAL) != 2 ||
        send(card, message, (size_t)length, MSG_NOSIGNAL) != length) {
        gone();
        return -1;
    }
    return 0;
}

/* The card's answer; less than 0: it left, or the answer is longer than `most`. */
static int ask(const unsigned char *message, int length, unsigned char *answer, int most)
{
    unsigned char head[2];
    int n;
    if (say(message, length) < 0 || all(head, 2) < 0) return -1;
    n = head[0] * 256 + head[1];
    if (n > most) {
        gone();
        return -1;
    }
    return all(answer, n) < 0 ? -1 : n;
}

static int control(unsigned char code)
{
    return say(&code, 1);
}

/* Powers up and gives the ATR. */
static int power(unsigned char *atr, int most)
{
    unsigned char code = VPCD_ATR;
    if (control(VPCD_ON) < 0 || control(VPCD_RESET) < 0) return -1;
    return ask(&code, 1, atr, most);
}

int dc_init(short port, int baud)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((unsigned short)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int yes = 1;
    (void)baud;
    slot = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(slot, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(slot, (struct sockaddr *)&at, sizeof at) < 0 || listen(slot, 4) < 0) return -1;
    return 1;
}

short dc_card_status(int device)
{
    char byte;
    (void)device;
    if (card >= 0) {
        if (!readable(card, 0)) return 0;
        /* Nobody asked it: it left. */
        if (recv(card, &byte, 1, MSG_PEEK) == 1) return 0;
        gone();
        return 1;
    }
    if (!readable(slot, 0)) return 1;
    card = accept(slot, NULL, NULL);
    return card < 0 ? 1 : 0;
}

short dc_setcpu(int device, unsigned char which)
{
    (void)device;
    return which == 0x0c ? 0 : -1;
}

short dc_cpureset(int device, unsigned char *length, unsigned char *atr)
{
    int n = power(atr, 33);
    (void)device;
    if (n < 2) return -1;
    *length = (unsigned char)n;
    return 0;
}

short dc_cpuapdu(int device, unsigned char length, unsigned char *apdu, unsigned char *answered,
                 unsigned char *answer)
{
    int n = ask(apdu, length, answer, 255);
    (void)device;
    if (n < 2) return -1;
    *answered = (unsigned char)n;
    return 0;
}

/* Our memory cards sit in a simulated ACS reader; its pseudo-APDUs stand for what the maker's own
   firmware does with the chip. The answer without its status; less than 0: not 90xx. */
static int memory(const unsigned char *apdu, int length, unsigned char *answer, unsigned char *low)
{
    unsigned char raw[260];
    int n = ask(apdu, length, raw, sizeof raw);
    if (n < 2 || raw[n - 2] != 0x90) return -1;
    if (low != NULL) *low = raw[n - 1];
    if (answer != NULL) memcpy(answer, raw, (size_t)(n - 2));
    return n - 2;
}

short dc_Check_4442(int device)
{
    static const unsigned char select[] = {0xff, 0xa4, 0x00, 0x00, 0x01, 0x06};
    unsigned char atr[33], first[4];
    static const unsigned char header[] = {0xff, 0xb0, 0x00, 0x00, 0x04};
    (void)device;
    if (power(atr, sizeof atr) < 0 || memory(select, sizeof select, NULL, NULL) < 0) return -1;
    return memory(header, sizeof header, first, NULL) == 4 && first[0] == 0xa2 && first[1] == 0x13
               ? 0
               : -1;
}

short dc_read_4442(int device, short at, short length, unsigned char *bytes)
{
    unsigned char apdu[] = {0xff, 0xb0, 0x00, (unsigned char)at, (unsigned char)length};
    (void)device;
    return memory(apdu, sizeof apdu, bytes, NULL) == length ? 0 : -1;
}

short dc_write_4442(int device, short at, short length, unsigned char *bytes)
{
    unsigned char apdu[5 + 256] = {0xff, 0xd0, 0x00, (unsigned char)at, (unsigned char)length};
    (void)device;
    if (length < 1 || length > 255) return -1;
    memcpy(apdu + 5, bytes, (size_t)length);
    return memory(apdu, 5 + length, NULL, NULL) < 0 ? -1 : 0;
}

short dc_verifypin_4442(int device, unsigned char *code)
{
    unsigned char apdu[8] = {0xff, 0x20, 0x00, 0x00, 0x03, code[0], code[1], code[2]};
    unsigned char low = 0;
    (void)device;
    return memory(apdu, sizeof apdu, NULL, &low) >= 0 && low == 0x07 ? 0 : -1;
}

short dc_readpincount_4442(int device)
{
    static const unsigned char apdu[] = {0xff, 0xb1, 0x00, 0x00, 0x04};
    unsigned char security[4];
    int bits, tries = 0;
    (void)device;
    if (memory(apdu, sizeof apdu, security, NULL) != 4) return -1;
    for (bits = security[0] & 7; bits != 0; bits >>= 1) tries += bits & 1;
    return (short)tries;
}
