import { describeBroken } from './broken.ts';

describeBroken('journal');
