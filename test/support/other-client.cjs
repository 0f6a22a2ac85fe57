// Another program that uses the same PC/SC reader. Lines on its input: `hold` connects to the card, shared, and keeps it;
// `reset` lets it go with a reset of the card, `leave` as it is. Each is answered with a line: `ok`, or the error.
const pcsclite = require('pcsclite');
const SHARED = 2;
const context = pcsclite();
const say = (text) => process.stdout.write(`${text}\n`);
context.on('error', (error) => say(error.message));
context.on('reader', (reader) => {
  if (!reader.name.includes(process.argv[2])) return;
  reader.on('error', () => undefined);
  const done = (error) => say(error === null || error === undefined ? 'ok' : error.message);
  say('there');
  require('node:readline')
    .createInterface({ input: process.stdin })
    .on('line', (line) => {
      if (line === 'hold') reader.connect({ share_mode: SHARED, protocol: 3 }, done);
      else reader.disconnect(line === 'reset' ? 1 : 0, done);
    });
});
process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL'));
