import type { CentralAnswer } from '../http/request.ts';

/** Another page is to be looked at. @param where of the console's own */
export const seeOther = (where: string): CentralAnswer => ({
  status: 303,
  headers: { location: where },
  body: '',
});

/** 200, in UTF-8. */
export const plain = (body: string, type: string): CentralAnswer => ({
  status: 200,
  headers: { 'content-type': `${type}; charset=utf-8` },
  body,
});
