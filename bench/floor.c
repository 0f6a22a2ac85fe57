/*
 * The floor: the exchanges of a transcript (docs/transcripts.md), sent over the same PC/SC service with nothing around
 * them. It begins when the service says that a card came, and checks every answer, so that both did the same work.
 *   cc -O2 floor.c -lpcsclite; floor READER TRANSCRIPT ROUNDS
 * Prints "ready" when the slot is empty and "R W" for each round: microseconds from the card's coming to its being
 * read, and for the purchase with its reset and its read-back. Marks in the transcript: "# read", "# written".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <winscard.h>

#define MOST 4096

struct step { char kind; unsigned char bytes[300]; int length; };
static struct step steps[MOST];
static int count;

static void die(const char *what, LONG code) {
  fprintf(stderr, "%s: 0x%08lX\n", what, (unsigned long)code & 0xffffffffUL);
  exit(1);
}

static void load(const char *file) {
  char line[2048];
  FILE *in = fopen(file, "r");
  if (in == NULL) die(file, 0);
  while (fgets(line, sizeof line, in) != NULL && count < MOST) {
    struct step *s = &steps[count];
    if (!strncmp(line, "=> ", 3) || !strncmp(line, "<= ", 3)) {
      unsigned int byte;
      const char *at = line + 3;
      s->kind = line[0];
      for (s->length = 0; sscanf(at, "%2x", &byte) == 1; at += 2) s->bytes[s->length++] = (unsigned char)byte;
    } else if (!strncmp(line, "connect", 7)) s->kind = 'c';
    else if (!strncmp(line, "reset", 5)) s->kind = 'r';
    else if (!strncmp(line, "# read", 6)) s->kind = 'R';
    else if (!strncmp(line, "# written", 9)) s->kind = 'W';
    else continue;
    count++;
  }
  fclose(in);
}

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void until(SCARDCONTEXT context, SCARD_READERSTATE *state, DWORD wanted) {
  while ((state->dwEventState & wanted) == 0) {
    LONG code = SCardGetStatusChange(context, INFINITE, state, 1);
    if (code != SCARD_S_SUCCESS) die("status", code);
    state->dwCurrentState = state->dwEventState;
  }
}

int main(int argc, char **argv) {
  SCARDCONTEXT context;
  SCARD_READERSTATE state;
  LONG code;
  int round;
  if (argc != 4) return 2;
  load(argv[2]);
  if ((code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context)) != SCARD_S_SUCCESS) die("context", code);
  memset(&state, 0, sizeof state);
  state.szReader = argv[1];
  state.dwCurrentState = SCARD_STATE_UNAWARE;
  for (round = 0; round < atoi(argv[3]); round++) {
    SCARDHANDLE card = 0;
    DWORD protocol = 0;
    int i;
    long long began, read = 0, written = 0;
    unsigned char answer[300];
    DWORD length = 0;
    until(context, &state, SCARD_STATE_EMPTY);
    puts("ready");
    fflush(stdout);
    until(context, &state, SCARD_STATE_PRESENT);
    began = now();
    for (i = 0; i < count; i++) {
      struct step *s = &steps[i];
      switch (s->kind) {
        case 'c':
          if ((code = SCardConnect(context, argv[1], SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card, &protocol)) != SCARD_S_SUCCESS) die("connect", code);
          break;
        case 'r':
          /* As the driver does it; one SCardReconnect takes vpcd's reader longer than these two. */
          if ((code = SCardDisconnect(card, SCARD_RESET_CARD)) != SCARD_S_SUCCESS) die("reset", code);
          break;
        case '=':
          length = sizeof answer;
          if ((code = SCardTransmit(card, protocol == SCARD_PROTOCOL_T1 ? SCARD_PCI_T1 : SCARD_PCI_T0, s->bytes, (DWORD)s->length, NULL, answer, &length)) != SCARD_S_SUCCESS) die("transmit", code);
          break;
        case '<':
          if ((int)length != s->length || memcmp(answer, s->bytes, length) != 0) die("another answer than recorded, at step", i);
          break;
        case 'R': read = now(); break;
        case 'W': written = now(); break;
      }
    }
    SCardDisconnect(card, SCARD_LEAVE_CARD);
    printf("%lld %lld\n", read - began, written - read);
    fflush(stdout);
  }
  SCardReleaseContext(context);
  return 0;
}
